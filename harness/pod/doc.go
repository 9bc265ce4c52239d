// Package pod is a gateway under test as a spec sees it: start it, submit turns,
// begin and cancel drains, look at what it publishes, end it in every way it can
// be ended. It joins a runtime (where the gateway lives) with a probe (what acts
// on it and sees it) and keeps the history of all that happened.
//
//	gw, err := pod.Start(ctx, options)
//	turn, err := gw.Submit(ctx, pod.Turn{Ingress: "chat", Hold: true})
//	gw.BeginDrain(ctx)
//	Eventually(gw.State).Should(BeDraining())
//	turn.Release(ctx)
//	Eventually(turn).Should(FinishWhole())
//
// Nothing here judges: what a gateway did wrong is said by the monitors, over the
// finished history. An error of this package is the harness's, never the
// gateway's, except where its text says otherwise.
package pod
