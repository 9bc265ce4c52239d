// Package secondopinion judges histories a second time, by another method: it asks
// porcupine, a linearizability checker, whether a history can be explained by a
// gateway that drains as it should. A disagreement with the monitors is a mistake in
// one of the two, and fails the project's own tests. It is never a verdict on a
// gateway, and nothing but tests may import it.
//
// # The model
//
// One instance is one life of a gateway as one publication shows it. Its state:
//
//   - marker: whether the marker is there;
//   - gate: open, or closed from the first reading of draining of a drain on;
//   - count: the turns that are in flight;
//   - lag: the turns that may be counted all the same, because they ended less than
//     the grace ago, or were never seen to be admitted;
//   - since: when the marker was there at the latest;
//   - left: whether draining was read last: what is read next may be left over from
//     the drain before.
//
// And its operations:
//
//   - begin: the marker is there. The gate stays open until that is acknowledged;
//     from when on it must be closed is WATCH's and GATE-005's to judge, by time.
//   - cancel: the marker is gone, and the gate open; the publication may lag behind.
//   - submit-admitted: only through an open gate; count rises. What the gateway owes
//     (work of an earlier life, or of no client) passes a closed one.
//   - submit-refused, and any other turn that is not known to be admitted: lag rises.
//   - finish: count falls, and lag rises instead; settle: the grace is over, lag falls.
//   - read: of draining, after a begin, closes the gate, and shows a number between
//     count and count plus lag. It may be a leftover instead, where draining was read
//     last, for B at most. A reading of any other state only shows that nothing is.
//
// # Partial knowledge
//
// An operation takes place somewhere in its interval, from the last instant at which
// it certainly had not happened to the first at which it had: a turn is admitted
// between its sending and its model call. Where an interval is open, or where it
// is known which end of it excuses the gateway, the operation stands there: a turn
// finishes as soon as the model lets go of it, and is settled as late as it may be. That
// leaves nothing to search for but the order of admissions, markers and readings; and
// of two admissions that could each take the other's place, the one that began first
// comes first.
//
// A reading of draining that overlaps the writing of the marker is taken to follow
// it, since nothing else would have made the gateway publish it.
//
// # What it covers
//
// No late admission (GATE-001 and GATE-010, with GATE-009 as their sum), never
// drained-while-busy (COUNT-003), and the bounds of the count while draining
// (COUNT-001, COUNT-002, COUNT-006, STATE-009). Counts while running may lag and are
// the monitors' alone.
//
// It may find more than the monitors do, since it takes all readings together: a turn
// that is sent before draining is read, is not counted in that reading, and reaches
// the model later, was either not counted or admitted late. Such a disagreement is a
// find as well: the monitors then lack a rule.
//
// # How it ends
//
// Checking is exponential at its worst. A life is cut into segments where it is
// known to be at rest: running is read with 0, nothing may be in flight, and no marker is
// there. Each segment has a time limit; one that runs out of it makes the opinion
// [porcupine.Unknown], which is neither agreement nor disagreement.
//
//	c, err := secondopinion.Compare(events, time.Second)
//	if c.Disagreement != "" { ... }
//
// `go test ./harness/monitor/secondopinion -histories DIR` compares every history
// below a folder, such as a report's.
package secondopinion
