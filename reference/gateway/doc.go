// Package gateway puts the parts together and runs them, in the one order that is
// safe: lock the home, publish starting, open the sessions, take up the turns that
// are owed, look at the marker, publish what it says, and only then open the ingress. On the first signal it
// closes the gate for good, lets the turns in flight finish, and publishes stopped
// as the last thing it does.
//
//	gw := gateway.New(gateway.Config{Home: dir, Listen: "127.0.0.1:0", Log: log})
//	err := gw.Run(ctx, signals)
//
// Parts lists every joint. A Wrap can put something around a part as it is made,
// for tracing, for instance, or to try what happens when one of them misbehaves.
package gateway
