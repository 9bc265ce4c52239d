package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

// The control endpoint is judged by what it makes of the marker, so that is looked at
// without a break for spinAtMost, and every lookEvery where the endpoint takes longer.
// A command is not judged: while it has the marker that is looked at every patientEvery,
// and the kernel bears witness to what comes and goes in between.
const (
	spinAtMost   = 200 * time.Millisecond
	lookEvery    = 200 * time.Microsecond
	patientEvery = 2 * time.Millisecond
)

// sightings are all that was seen of a marker while somebody else moved it.
type sightings struct {
	moves  []move
	torn   string        // the first that was not whole
	looked history.Stamp // last
	last   identity      // as it was then
}

// move is one change: it was not so before call, and was so at ret.
type move struct {
	call, ret history.Stamp
	to        identity
	content   []byte
	read      bool // the content could be read before it was gone again
}

// hard looks without a break for as long as that may be afforded, patient now and then.
func hard(spent time.Duration) {
	if spent < spinAtMost {
		runtime.Gosched()
		return
	}
	time.Sleep(lookEvery)
}

func patient(time.Duration) { time.Sleep(patientEvery) }

// watchOver looks at the marker until finish is called, and lets pause pass between two
// looks. It was known to be so at before, which is not when this comes to look first: a
// busy machine may let whoever moves it run earlier. noticed is called at every change.
func watchOver(path string, known identity, before history.Stamp, pause func(spent time.Duration), noticed func()) (finish func() sightings) {
	stop, done := make(chan struct{}), make(chan sightings)
	go func() {
		s := sightings{last: known}
		began := now()
		for over := false; ; {
			select {
			case <-stop:
				over = true // and look once more: the answer is there, and so is all it tells of
			default:
			}
			at := now()
			found := identify(path)
			if found.moved(s.last) {
				s.add(path, before, found)
				noticed()
			}
			before, s.looked, s.last = at, at, found
			if over {
				done <- s
				return
			}
			pause(at.Sub(began))
		}
	}()
	return func() sightings {
		close(stop)
		return <-done
	}
}

// moved says whether a marker is another than before, or another content. A change of
// its status alone is not: a file on its way out shows one before it is gone, and a directory
// also another size and time.
func (i identity) moved(before identity) bool {
	if i.directory() && before.directory() && i.dev == before.dev && i.ino == before.ino {
		return false
	}
	i.ctime, i.mode = before.ctime, before.mode
	return i != before
}

func (i identity) directory() bool { return i.exists && i.mode&unix.S_IFMT == unix.S_IFDIR }

func (s *sightings) add(path string, call history.Stamp, found identity) {
	m := move{call: call, ret: now(), to: found}
	if found.exists {
		m.content, m.read = regularContent(path)
	}
	if _, flaw := markerFields(m.content); m.read && flaw != "" && s.torn == "" {
		s.torn = flaw
	}
	s.moves = append(s.moves, m)
}

// regularContent reads a regular file, if there is one still.
func regularContent(path string) (content []byte, ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	content, err = io.ReadAll(io.LimitReader(f, maxPublished))
	return content, err == nil
}

// markerFields reads a marker as an object, or says what it is instead.
func markerFields(content []byte) (fields map[string]any, flaw string) {
	doc, err := decodeJSON(content)
	if err != nil {
		return nil, fmt.Sprintf("%d bytes that are no JSON: %s", len(content), excerpt(content))
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return nil, "no JSON object: " + excerpt(content)
	}
	return fields, ""
}

// tell writes down what became of the marker.
func (s *sightings) tell(said *history.Control) {
	said.Changed, said.Torn = len(s.moves) > 0, s.torn
	for _, m := range s.moves {
		if !m.to.exists {
			continue
		}
		said.Appeared = true
		if m.read {
			said.By, said.Flaw = flawOf(m.content)
		}
		if said.Existed && !s.moves[0].to.exists && said.Torn == "" {
			said.Torn = "it was absent"
		}
	}
}

// flawOf says what a marker lacks of what the endpoint must write into it, and by
// whom it says it was asked for (CONTROL-001).
func flawOf(content []byte) (by, flaw string) {
	fields, flaw := markerFields(content)
	if flaw != "" {
		return "", flaw
	}
	by, _ = fields["principal"].(string)
	at, _ := fields["requested_at"].(string)
	_, err := time.Parse(time.RFC3339, at)
	switch {
	case fields["action"] != history.AskDrain:
		flaw = fmt.Sprintf("its action is %s", excerpt([]byte(asText(fields["action"]))))
	case err != nil:
		flaw = fmt.Sprintf("its requested_at is %s", excerpt([]byte(asText(fields["requested_at"]))))
	case by == "":
		flaw = "it names no principal"
	}
	return by, flaw
}

// events are the moves as operations of the controller. A marker that is written in
// several steps is one operation. One that goes after the endpoint has put it there
// was taken by somebody else.
func (s *sightings) events(known identity) []history.Event {
	var out []history.Event
	before := known.exists
	appeared := false
	for _, m := range s.moves {
		after := m.to.exists
		ev := history.Marker{How: history.HowControl, Existed: before, Present: after}
		switch {
		case before && after:
			ev.Op = history.OpRewrite
		case after:
			ev.Op = history.OpBegin
		case appeared:
			ev.Op, ev.How = history.OpFound, "removed"
		default:
			ev.Op = history.OpCancel
		}
		if after {
			sum := sha256.Sum256(m.content)
			ev.SHA256 = hex.EncodeToString(sum[:])
		}
		if n := len(out); before && after && n > 0 {
			out[n-1].Marker.SHA256 = ev.SHA256
		} else {
			out = append(out, history.Event{Kind: history.KindMarker, Call: m.call, Return: m.ret, Marker: &ev})
		}
		before, appeared = after, appeared || after
	}
	return out
}
