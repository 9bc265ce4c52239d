// Package admission decides which turns may start and counts those that have.
//
// The gate and the slots are one thing: the Book, guarded by one lock in one
// place, the Ledger. A turn is admitted by checking the gate and claiming a slot
// in the same critical section, so there is no instant at which a turn has passed
// the gate without being counted. A drain closes the gate and changes the state
// in the same critical section, so there is no instant at which the state says
// draining and the gate is open. What is published is a Snapshot of the Book,
// taken under that lock.
//
//	desk := &admission.Desk{Ledger: ledger, Publisher: publisher}
//	slot, err := desk.Admit(ctx, admission.Request{Session: "s", Text: "hello"})
//	if err != nil {
//		return err // a *Refusal: nothing was counted, nothing is owed
//	}
//	defer slot.Release() // after the last byte of the reply
//
// It imports only lifecycle.
package admission
