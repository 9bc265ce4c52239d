package probe

import (
	"log/slog"

	"github.com/fsnotify/fsnotify"
)

// dirWatch is the kernel's events of one directory. Without them (a limit was
// reached, the directory isn't there yet) polling still sees what lasts, so a
// failure is a warning, and it is tried again.
type dirWatch struct {
	log     *slog.Logger
	dir     string
	watcher *fsnotify.Watcher
	events  chan fsnotify.Event // nil when there is no watcher
	watched bool
	warned  bool
	rest    int
}

func watchDir(log *slog.Logger, dir string) *dirWatch {
	d := &dirWatch{log: log, dir: dir}
	// Buffered: an observer that reads without a break looks at them only between reads.
	w, err := fsnotify.NewBufferedWatcher(256)
	if err != nil {
		log.Warn("no file events; polling only", "dir", dir, "error", err)
		return d
	}
	d.watcher, d.events = w, w.Events
	d.add()
	return d
}

func (d *dirWatch) add() {
	err := d.watcher.Add(d.dir)
	d.watched = err == nil
	if err != nil && !d.warned {
		d.warned = true
		d.log.Warn("no file events yet; polling", "dir", d.dir, "error", err)
	}
}

// retry is called at every poll: it drains the watcher's errors, and now and then
// tries again to watch a directory that could not be watched, or was replaced.
func (d *dirWatch) retry() {
	if d.watcher == nil {
		return
	}
	select {
	case err := <-d.watcher.Errors:
		d.log.Warn("file events", "dir", d.dir, "error", err)
	default:
	}
	if d.rest++; d.rest >= 10 && (!d.watched || len(d.watcher.WatchList()) == 0) {
		d.rest = 0
		d.add()
	}
}

// skip takes what has queued up, without waiting.
func (d *dirWatch) skip(each func(name string)) {
	for {
		select {
		case ev := <-d.events:
			each(ev.Name)
		default:
			return
		}
	}
}

func (d *dirWatch) close() {
	if d.watcher != nil {
		_ = d.watcher.Close()
	}
}
