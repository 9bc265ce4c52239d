// Package audit scores the suite itself: what it made of gateways whose faults are
// known. A [Run] is what one run of the suite said of one [Gateway]; a [Score] sums
// up the runs of a gateway; a [Scorecard] is audit.json, by a schema, with every
// score and the flake ledger.
//
// What counts, of a wrong gateway's run:
//   - detected: a requirement failed. Blocked, harness errors, time-outs and
//     inconclusive ones do not count;
//   - named: the requirement that the fault breaks is among them;
//   - accused: a requirement failed that is neither that nor one that may fall with it;
//   - inconclusive: the gateway never owned up to its fault (no activation receipt),
//     or the run ended without a verdict. It is neither for the suite nor against it.
//
// Of a gateway that is right every failure is an accusation, and stands in the
// ledger: a check that failed it cannot be trusted until it is mended.
//
// The package starts nothing: it is given reports, and imports package report and
// nothing else of the project.
package audit
