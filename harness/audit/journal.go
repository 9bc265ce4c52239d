package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// JournalName is the file of a journal in an audit's folder.
const JournalName = "runs.jsonl"

// Journal keeps what was run, a line each, so that an audit that was cut off can go
// on: the plan first, then every run. It is safe for concurrent use.
type Journal struct {
	Done []Run // all there are, those that an earlier start left first; each once, the last of it

	mu   sync.Mutex
	file *os.File
}

// OtherPlan is the error of a journal that was begun under another plan.
type OtherPlan struct {
	Path      string
	Had, Want Plan
}

func (e *OtherPlan) Error() string {
	return fmt.Sprintf("%s was begun as %s, this is %s: they are not one audit", e.Path, e.Had, e.Want)
}

// String tells a plan in a line.
func (p Plan) String() string {
	bound := "the target's bound"
	if p.Bound != 0 {
		bound = "B " + p.Bound.String()
	}
	suite := p.Suite
	if len(suite) > 12 {
		suite = suite[:12]
	}
	return fmt.Sprintf("%s, level %s, %s, %s, requirements %s, suite %s", p.Depth, p.Level, bound, p.Runtime, p.Spec, suite)
}

// OpenJournal opens the journal at path, or begins it. A last line that was cut off
// while it was written is a run that has to be done again. The error is an OtherPlan
// where the journal is of another audit.
func OpenJournal(path string, plan Plan) (*Journal, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	j := &Journal{}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	lines := bufio.NewScanner(bytes.NewReader(whole))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			var had Plan
			if err := json.Unmarshal(lines.Bytes(), &had); err != nil {
				return nil, fmt.Errorf("%s:1: no plan of an audit: %w; name another folder", path, err)
			}
			if had != plan {
				return nil, &OtherPlan{Path: path, Had: had, Want: plan}
			}
			continue
		}
		var r Run
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s:%d: no run of an audit: %w; remove the line, and the run is done again", path, n, err)
		}
		j.put(r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	if err = j.file.Truncate(int64(len(whole))); err == nil {
		_, err = j.file.Seek(0, 2)
	}
	if err == nil && len(whole) == 0 {
		err = j.write(plan)
	}
	if err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// Find returns the run of that number of a gateway, if there is one.
func (j *Journal) Find(gateway string, number int) (Run, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := j.index(gateway, number); i >= 0 {
		return j.Done[i], true
	}
	return Run{}, false
}

func (j *Journal) index(gateway string, number int) int {
	return slices.IndexFunc(j.Done, func(r Run) bool { return r.Gateway == gateway && r.Number == number })
}

// put takes a run down, in the place of what it does again.
func (j *Journal) put(r Run) {
	if i := j.index(r.Gateway, r.Number); i >= 0 {
		j.Done[i] = r
		return
	}
	j.Done = append(j.Done, r)
}

// Add keeps a run; one that was kept before is replaced.
func (j *Journal) Add(r Run) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.put(r)
	return j.write(r)
}

func (j *Journal) write(what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// Close ends the writing.
func (j *Journal) Close() error { return j.file.Close() }
