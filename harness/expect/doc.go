// Package expect holds the Gomega matchers in which specs speak: BeDraining,
// BeRunning, HaveCount, BeHeldByTheModel, FinishWhole, BeRefused, NotBeStarted.
// Their failure messages say what was expected and what was read last.
package expect
