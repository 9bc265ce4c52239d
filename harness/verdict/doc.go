// Package verdict rolls judgements up: from what the monitors said of each
// history to a verdict per requirement, per checklist point and over all, with
// the exit code. It is pure: no files, no clock, no state, so a report can be
// judged again from its histories and must come out the same.
//
// Nothing passes by default. A requirement passes only when every spec bound to
// it ran to its end and passed, no history of the run holds a breach of it, and
// its situation really arose. What fails is charged to whom it belongs: a breach
// of a requirement whose prerequisite failed is blocked, and blocked is nobody's
// accusation.
//
// It may import monitor and history; it knows requirements by ID, level and
// prerequisites, never by text.
package verdict
