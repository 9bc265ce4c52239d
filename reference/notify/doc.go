// Package notify tells the world that a gateway shuts down, so that people whose
// turns may be cut hear it from the gateway and not from a broken connection.
//
//	notifier, err := notify.New(notify.ConfigFromEnv())
//	err = notifier.Notify(ctx, notify.Shutdown{ActiveAgents: 2})
//
// Whether anybody is to be told is not decided here. It imports nothing of the
// project.
package notify
