package target

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Init says how a gateway is dealt with whose image brings an init of its own that insists
// on being PID 1. Such a container has a PID namespace of its own, and the gateway is a
// process in it. The process runtime starts the gateway itself and knows of no init.
type Init struct {
	// Gateway is a regular expression over the command line of the gateway's process, its
	// words joined by spaces.
	Gateway string `json:"gateway"`
	// User is whom that process runs as, uid[:gid], where it is not the container's user.
	User string `json:"user,omitempty"`
	// What is run in the container, as the container's user; templates. Respawn starts a
	// gateway again that has ended. Leave is run before it is ended, so that the init does
	// not start it again by itself. Exit prints the exit code with which it ended, 128+N
	// after signal N; without it that is the container's, where it ends with its gateway.
	Respawn []string `json:"respawn,omitempty"`
	Leave   []string `json:"leave,omitempty"`
	Exit    []string `json:"exit,omitempty"`
}

// Respawns says whether the gateway can be started again in the same instantiation.
func (t *Target) Respawns() bool { return t.Init == nil || len(t.Init.Respawn) > 0 }

// checkInit: the gateway must be told from what else runs in its container, and where it can
// be ended and started again, somebody must say how it ended.
func checkInit(t *Target, doc *yamlfile.Document) {
	for i, s := range t.Sidecars {
		switch where := at("sidecars", i, "inside"); {
		case !s.Inside || doc.Broken(at("sidecars", i)):
		case !doc.Has(at("init")):
			doc.Report(where, fmt.Sprintf("sidecar %q is inside, but there is no init section, so all containers see the gateway's process", s.Name), "leave inside out")
		case s.Image != "":
			doc.Report(where, fmt.Sprintf("sidecar %q is inside the gateway's container and has an image of its own", s.Name), "keep one of the two")
		}
	}
	if t.Init == nil || doc.Broken(at("init")) {
		return
	}
	if !doc.Has(at("image")) {
		doc.ReportKey(at("init"), "there is an init section, but no image", "leave it out: the process runtime starts the gateway itself")
	}
	if line, err := regexp.Compile(t.Init.Gateway); err == nil {
		for _, s := range t.Sidecars {
			if s.Inside && line.MatchString(strings.Join(s.Command, " ")) {
				doc.Report(at("init", "gateway"), fmt.Sprintf("init.gateway matches the command of sidecar %q too", s.Name), "write it so that it matches the gateway's alone, for example with ^ and $")
				break
			}
		}
	}
	if t.Declares("shutdown") && len(t.Init.Respawn) > 0 && !doc.Has(at("init", "exit")) {
		doc.ReportKey(at("init"), `feature "shutdown" is declared, but nothing says with which exit code the gateway ended`, "add exit: a command that prints it")
	}
}
