// Package turn does the work of a turn that was admitted: it puts the session's
// history before the new messages, calls the model, and stores what was said when
// the turn finished whole. A turn that fails or is interrupted leaves nothing, and
// a turn that was refused never gets here (GATE-002).
//
// Sessions live in an embedded database in the home, so they survive any end of
// the process. So does the Journal: every turn that somebody is owed the outcome
// of, in its session or under its ID, is in it from before its first model call
// until that outcome is stored. A turn without either touches no database.
//
// A turn calls the model again for as long as it wants Tools to be called.
//
// It imports only model.
package turn
