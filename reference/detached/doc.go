// Package detached runs the turns that no client waits for: their clients come
// back for what came of them, or the gateway itself owes them.
//
//	runner := detached.New(detached.Parts{...})
//	err := runner.Load()              // what an earlier life left
//	runner.Start(claim, slot, record) // admitted, claimed, and in the journal
//	record, err := runner.Queue(turn.OriginFollowUp, request) // to be started when it may
//
// A turn that waits is started by Dispatch, through the same gate as every other.
// Dispatch is level-triggered: it tries all that waits, whatever woke it, and it is
// woken by events for speed and once a second for certainty.
//
// It imports admission and turn.
package detached
