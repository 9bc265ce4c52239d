// Package watch tells a gateway what the marker says, soon and for certain: file
// events for speed, and a look once a second for certainty, because events can be
// lost, can overflow, and stop when a directory is replaced.
//
// Every look is a look at the present; nothing is remembered between looks, so no
// order of events and no failed one can leave the watcher in a wrong opinion
// (WATCH-004, WATCH-005).
//
//	watcher := watch.New(dir, drain.Home{Dir: dir}, target, log)
//	if err := watcher.First(ctx); err != nil { ... } // before any ingress opens
//	go watcher.Run(ctx)
//
// It imports only drain.
package watch
