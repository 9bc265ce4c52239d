// Package detached runs the turns that no client waits for: their clients come
// back for what came of them, or the gateway itself owes them.
//
//	runner := detached.New(turns, log)
//	runner.Start(claim, slot, record) // admitted, claimed, and in the journal
//
// It imports admission and turn.
package detached
