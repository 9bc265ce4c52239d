// Package compare tells whether a build of a gateway got worse than another one, from the
// reports of both: which verdicts changed, and whether what was measured got slower.
//
// Runs of one build are pooled. The samples behind a report's figures are not in the
// report: the histories in its folder are judged again, on both sides by this program, so
// that both are measured by the same rule.
//
// Two runs of one build never measure the same, so a difference means nothing by itself.
// A figure is called worse only where all of this is true (the limits are those of
// ginkgo.yaml, see config.Compare):
//
//   - chance alone does it more rarely than alpha: a two-sided Mann-Whitney test, with
//     Holm's correction over all figures that are compared;
//   - it is seen in most values: of two values, one of each side, the one of the worse
//     side is the worse one at least so often (the common-language effect size);
//   - the medians lie apart by a factor, and by an amount.
//
// What misses some of them is noise, and is told with what it misses. Runs that were made
// under other conditions are not compared at all: the answer would be about the conditions.
//
// It imports the packages report, verdict, history, certificate and config.
package compare
