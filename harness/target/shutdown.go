package target

import (
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Shutdown says how the gateway takes a SIGTERM.
type Shutdown struct {
	Deadline time.Duration  `json:"deadline"`        // how long it lets turns finish
	Short    *ShortDeadline `json:"short,omitempty"` // for the specs that let it pass
}

// ShortDeadline is how the gateway is given a shorter deadline than its usual one:
// so that what happens past it can be seen without waiting that long.
type ShortDeadline struct {
	Deadline time.Duration     `json:"deadline"`
	Env      map[string]string `json:"env"` // template values, over those of the target
}

// WithShortDeadline is the target with its short shutdown deadline in effect; the
// target as it is where it declares none.
func (t *Target) WithShortDeadline() *Target {
	if t.Shutdown == nil || t.Shutdown.Short == nil {
		return t
	}
	short := t.WithEnv(t.Shutdown.Short.Env)
	short.Shutdown = &Shutdown{Deadline: t.Shutdown.Short.Deadline}
	return short
}

func checkShutdown(t *Target, doc *yamlfile.Document) {
	if t.Shutdown == nil {
		return
	}
	positive(doc, t.Shutdown.Deadline, at("shutdown", "deadline"))
	short := t.Shutdown.Short
	if short == nil {
		return
	}
	where := at("shutdown", "short", "deadline")
	positive(doc, short.Deadline, where)
	if short.Deadline >= t.Shutdown.Deadline && !doc.Broken(where) && !doc.Broken(at("shutdown", "deadline")) {
		doc.Report(where, fmt.Sprintf("shutdown.short.deadline %s is not shorter than shutdown.deadline %s", short.Deadline, t.Shutdown.Deadline),
			"leave short out where the deadline is short already, or give a shorter one")
	}
}
