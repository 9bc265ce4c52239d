package soak

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
)

// Ruling is what is said of one history.
type Ruling struct {
	Broken   []report.Requirement // requirements that failed in it, with how
	Arose    map[string]int       // how often the situation of each requirement arose
	Samples  []monitor.Sample
	Receipts []string // faults that a wrong gateway owned up to
}

// Judge says what a history shows; name is only told.
type Judge func(name string, events []history.Event) (Ruling, error)

// Options say what a soak is made of.
type Options struct {
	Runtime  runtime.Runtime
	Prepared runtime.Prepared
	Terrain  Terrain
	Judge    Judge
	Dir      string        // of the soak; histories of what failed are kept in it
	Seed     int64         // of the first schedule; each one after it has the next
	For      time.Duration // no schedule is begun later than that
	Most     int           // schedules; 0: as many as there is time for
	GoOn     bool          // also after a failure
	Keep     int64         // bytes of histories of failures that are kept at the most
	Progress func(Progress)
}

// Progress is how far a soak is.
type Progress struct {
	Elapsed   time.Duration
	Schedules int
	Drains    int
	Turns     int
	Cycles    int           // drains of crowds, which wait for nothing
	Cycling   time.Duration // spent in those
	Judging   time.Duration
	Missing   int // goals that are yet to be reached
	Goals     int
	Failures  int
}

// PodLife is for how long schedules are played against the same gateway; then it gets a new
// pod. The probe remembers every turn, in case a gateway calls the model for one long after
// it ended.
const PodLife = 15 * time.Minute

// Run plays schedules until the time is over, there are enough of them, a gateway fails
// (unless it is to go on) or ctx ends. The error is the harness's; what was found until then
// is in the outcome all the same.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	r := &run{Options: o, began: time.Now(), out: &Outcome{Seed: o.Seed, Broken: map[string]*Breach{}, Arose: map[string]int{}}, goals: NewGoals(o.Terrain), figures: newFigures()}
	err := r.all(ctx)
	if e := leave(context.WithoutCancel(ctx), r.now); err == nil {
		err = e
	}
	r.out.Goals = r.goals.All()
	r.out.Samples, r.out.Peaks = r.figures.all(), r.figures.peaks.values
	r.out.Wall = time.Since(r.began)
	if ctx.Err() != nil {
		r.out.Interrupted = true
		err = nil
	}
	return r.out, err
}

// run is a soak under way.
type run struct {
	Options
	began   time.Time
	out     *Outcome
	goals   *Goals
	figures *figures
	kept    int64
	now     *bout // against the gateway that goes from schedule to schedule; nil: the next one gets another
}

// bout is a gateway, and what was played against it.
type bout struct {
	gw     *pod.Gateway
	player *Player
	born   time.Time
	played []Schedule
	file   string // of the history that is being written
}

func (r *run) all(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		if r.Most > 0 && n >= r.Most || r.Most == 0 && time.Since(r.began) >= r.For {
			return nil
		}
		s := Generate(r.Seed+int64(n), r.Terrain)
		failed, err := r.one(ctx, s)
		if err != nil {
			return err
		}
		if failed && !r.GoOn {
			return nil
		}
	}
	return nil
}

// one plays a schedule and has it judged.
func (r *run) one(ctx context.Context, s Schedule) (failed bool, err error) {
	b, err := r.bout(ctx, s)
	switch step, hard := s.hardship(); {
	case ctx.Err() != nil:
		return false, r.cutOff(ctx, b)
	case hard && err != nil:
		return false, r.lose(s, err) // the others can be played all the same
	case err != nil:
		return false, err
	case hard:
		r.goals.endured(step)
	}
	played := b.player.Play(ctx, s)
	if ctx.Err() != nil {
		return false, r.cutOff(ctx, b)
	}
	events, err := r.end(ctx, b, s, played != nil)
	if err != nil {
		return false, errors.Join(played, err)
	}
	failed, err = r.judge(b, s, events)
	b.played = append(b.played, s)
	if played != nil && !failed && err == nil {
		err = r.lose(s, played) // nothing shows that it was the gateway's doing
	}
	return failed, err
}

// cutOff ends a bout of its own that was interrupted: nobody knows what of it was the
// gateway's doing. The one that goes on is ended with the soak.
func (r *run) cutOff(ctx context.Context, b *bout) error {
	if b == r.now {
		return nil
	}
	return leave(context.WithoutCancel(ctx), b)
}

// maxLost is how many schedules may be lost before a soak is given up.
const maxLost = 5

// lose takes down a schedule that is lost; the error is that there are too many of them.
func (r *run) lose(s Schedule, why error) error {
	r.out.lose(s, why)
	if len(r.out.Lost) < maxLost {
		return nil
	}
	return fmt.Errorf("%d schedules could not be played to their end, the last one: %w", len(r.out.Lost), why)
}

// bout is a gateway to play a schedule against, with a history of its own: the one of the
// schedules before, or its own where it begins with a hardship.
func (r *run) bout(ctx context.Context, s Schedule) (*bout, error) {
	_, hard := s.hardship()
	if r.now != nil && !hard {
		return r.now, nil // its history was begun when the last one was cut
	}
	b := &bout{file: r.history(s.Seed), born: time.Now()}
	var err error
	if b.gw, err = Start(ctx, r.Options, s, b.file); err != nil {
		return nil, err
	}
	b.player = NewPlayer(b.gw, r.Terrain.Corpus)
	r.out.Pods++
	if !hard {
		r.now = b
	}
	return b, nil
}

func (r *run) history(seed int64) string {
	return filepath.Join(r.Dir, "histories", fmt.Sprintf("%d.jsonl", seed))
}

// Start makes a pod with a gateway in it that is at rest, after the hardship with which the
// schedule begins, if any; the file has the history from there on.
func Start(ctx context.Context, o Options, s Schedule, file string) (*pod.Gateway, error) {
	made := pod.Options{Runtime: o.Runtime, Prepared: o.Prepared, Target: o.Terrain.Target, File: file, Header: header(s)}
	step, hard := s.hardship()
	if hard {
		made.File = file + ".before"
	}
	if step.How == HomeFull {
		made.HomeBytes = homeBytes
	}
	gw, err := pod.Start(ctx, made)
	if hard && err != nil {
		return nil, errors.Join(err, discard(made.File))
	}
	if err != nil {
		return nil, err
	}
	err = gw.Settle(ctx)
	if err == nil && o.Terrain.Target.WarmUp {
		_, err = NewPlayer(gw, nil).serves(ctx)
	}
	if err == nil && hard {
		err = begin(ctx, gw, s, made.File, file)
	}
	if err == nil && s.Seed%2 == 0 { // markers without a stamp drain as well
		err = gw.LearnEpoch(ctx)
	}
	if err != nil {
		_, closed := gw.End(context.WithoutCancel(ctx), history.Outcome{Result: "interrupted"})
		if hard {
			closed = errors.Join(closed, discard(made.File, file))
		}
		return nil, errors.Join(err, closed)
	}
	return gw, nil
}

// discard removes histories of which nothing follows, where they are there.
func discard(files ...string) error {
	var errs []error
	for _, file := range files {
		if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func header(s Schedule) history.Header {
	return history.Header{Spec: fmt.Sprintf("soak: schedule %d", s.Seed), Requirements: []string{}, Seed: s.Seed}
}

// end ends the history of a schedule. Where the gateway has come to rest the next one that
// has none of its own goes on with it; else, and when it has lived for long, that one gets
// another.
func (r *run) end(ctx context.Context, b *bout, s Schedule, broken bool) ([]history.Event, error) {
	passed := history.Outcome{Result: "passed"}
	if b == r.now && !broken && b.gw.Severable() == "" && time.Since(b.born) < PodLife {
		next := s
		for next.Seed++; hardship(next.Seed, r.Terrain) != ""; next.Seed++ {
		}
		b.file = r.history(next.Seed)
		return b.gw.Cut(ctx, passed, header(next), b.file)
	}
	if b == r.now {
		r.now = nil
	}
	return b.gw.End(ctx, passed)
}

// leave ends what is still there; its history is no evidence.
func leave(ctx context.Context, b *bout) error {
	if b == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err := b.gw.End(ctx, history.Outcome{Result: "interrupted"})
	return errors.Join(err, os.Remove(b.file))
}

// judge takes down what a history says, and keeps it where it says anything bad.
func (r *run) judge(b *bout, s Schedule, events []history.Event) (failed bool, err error) {
	began := time.Now()
	ruling, err := r.Judge(fmt.Sprint(s.Seed), events)
	if err != nil {
		return false, err
	}
	r.goals.Add(events)
	r.out.count(events)
	r.out.Judging += time.Since(began)
	r.out.Cycles, r.out.Cycling = r.out.Cycles+b.player.cycles, r.out.Cycling+b.player.cycling
	b.player.cycles, b.player.cycling = 0, 0
	r.out.Schedules++
	for id, n := range ruling.Arose {
		r.out.Arose[id] += n
	}
	for _, fault := range ruling.Receipts {
		if !slices.Contains(r.out.Receipts, fault) {
			r.out.Receipts = append(r.out.Receipts, fault)
		}
	}
	r.figures.add(ruling.Samples)
	r.figures.peak(events)
	file := r.history(s.Seed)
	info, statErr := os.Stat(file)
	keep := statErr == nil && len(ruling.Broken) > 0 && r.kept+info.Size() <= r.Keep
	if keep {
		r.kept += info.Size()
	} else if err := os.Remove(file); err != nil {
		return false, err
	}
	for _, q := range ruling.Broken {
		breach := r.out.Broken[q.ID]
		if breach == nil {
			breach = &Breach{Requirement: q, First: s, Before: slices.Clone(b.played)}
			if keep {
				breach.History = filepath.Join("histories", filepath.Base(file))
			}
			r.out.Broken[q.ID] = breach
		}
		breach.Schedules++
	}
	r.tell()
	return len(ruling.Broken) > 0, nil
}

func (r *run) tell() {
	goals := r.goals.All()
	r.Progress(Progress{
		Elapsed: time.Since(r.began), Schedules: r.out.Schedules, Drains: r.out.Drains, Turns: r.out.Turns,
		Cycles: r.out.Cycles, Cycling: r.out.Cycling, Judging: r.out.Judging,
		Missing: len(r.goals.Missing()), Goals: len(goals), Failures: len(r.out.Broken),
	})
}

// PlayOnce plays a schedule against a fresh gateway and has it judged; the history is in
// the file.
func PlayOnce(ctx context.Context, o Options, s Schedule, file string) (Ruling, []history.Event, error) {
	gw, err := Start(ctx, o, s, file)
	if err != nil {
		return Ruling{}, nil, err
	}
	played := NewPlayer(gw, o.Terrain.Corpus).Play(ctx, s)
	events, err := gw.End(context.WithoutCancel(ctx), history.Outcome{Result: "passed"})
	if err != nil || ctx.Err() != nil {
		return Ruling{}, events, errors.Join(played, err, ctx.Err())
	}
	ruling, err := o.Judge(filepath.Base(file), events)
	if err == nil && len(ruling.Broken) == 0 {
		err = played // else it was the gateway's doing
	}
	return ruling, events, err
}
