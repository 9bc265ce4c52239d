package monitor

import (
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// job is a scheduled job that the gateway took.
type job struct {
	*Turn
	due  history.Stamp // not to be started before
	late time.Duration // how long after it the gateway may take
}

// jobs are all of them.
func (v *View) jobs() []job {
	var out []job
	for _, t := range v.Turns {
		if t.Origin == history.OriginJob && t.accepted() && t.Arranged.Turn.Due != 0 {
			out = append(out, job{t, t.Arranged.Turn.Due, t.Arranged.Turn.Late})
		}
	}
	return out
}

// acknowledged gives every drain its first acknowledgement, in whatever life.
func (v *View) acknowledged() map[*Drain]*history.Event {
	acks := map[*Drain]*history.Event{}
	for _, s := range v.Spells {
		if s.Ack != nil && acks[s.Drain] == nil {
			acks[s.Drain] = s.Ack
		}
	}
	return acks
}

// judgeJobStarts is SCHEDULED-001: no job starts during a drain. Judged are jobs that
// fall due when the drain has been read: one that was due before may have started
// before, and reach its model only now.
func judgeJobStarts(v *View, r *ruling) {
	jobs, acks := v.jobs(), v.acknowledged()
	for _, s := range v.Spells {
		ack := acks[s.Drain]
		if ack == nil {
			continue
		}
		for _, j := range jobs {
			if j.due <= ack.Return {
				continue
			}
			if called := j.reached(); called != nil && called.Call > ack.Return && called.Call >= s.From && called.Return <= s.Until {
				r.arises()
				r.violation(called.Return, "no scheduled job starts during a drain",
					fmt.Sprintf("job %s fell due and reached the model %s after draining was read", j.ID, round(called.Call.Sub(ack.Return))),
					s.Drain.Begin, ack, j.Arranged, called)
				continue
			}
			if v.ran(max(j.due.Add(j.late), s.From), s.Until) > 0 {
				r.arises()
			}
		}
	}
}

// judgeJobCounted is SCHEDULED-002: a job that runs is counted like a turn. Held
// against the gateway are readings in which all other turns are, and jobs are not.
func judgeJobCounted(v *View, r *ruling) {
	for _, u := range v.misses {
		if u.jobs > 0 {
			r.arises()
		}
	}
	v.accuse(r, "SCHEDULED-002", "a scheduled job that runs is counted like a turn")
}

// judgeMissedJobs is SCHEDULED-003: a job that fell due during a drain is run after
// the cancel, once. (One that ran during the drain is SCHEDULED-001's.)
func judgeMissedJobs(v *View, r *ruling) {
	jobs, acks := v.jobs(), v.acknowledged()
	if len(jobs) == 0 {
		return
	}
	perTurn := v.repliesPerTurn()
	for _, s := range v.Spells {
		ack, cancel := acks[s.Drain], s.Drain.Cancel
		if ack == nil || cancel == nil || cancel.Return > s.Life.Serving {
			continue
		}
		for _, j := range jobs {
			called := j.reached()
			if j.due <= ack.Return || j.due > s.Until || called != nil && called.Return <= s.Until {
				continue
			}
			v.judgeMissedJob(s, j, perTurn, r)
		}
	}
}

func (v *View) judgeMissedJob(s *Spell, j job, perTurn int, r *ruling) {
	const expected = "a job that fell due during a drain is run after the cancel, once"
	cancel := s.Drain.Cancel
	if l := v.unseen(j.Turn); l != nil && l.Index <= s.Life.Index {
		return // it may have run where nobody knows it by its name
	}
	if j.reached() == nil {
		until := min(s.Life.Serving, v.nextBegin(cancel.Return))
		if waited := v.waited(max(cancel.Return, j.due.Add(j.late)), until); waited > v.Grace {
			r.arises()
			r.violation(until, expected,
				fmt.Sprintf("job %s did not reach the model in the %s after it", j.ID, round(waited)),
				s.Drain.Begin, j.Arranged, cancel)
		}
		return
	}
	r.arises()
	calls := v.callsIn(j.Turn, s.Life)
	if n := number(calls, (*Call).replied); n > perTurn {
		r.violation(calls[len(calls)-1].Called.Return, expected,
			fmt.Sprintf("job %s had %d replies from the model after it", j.ID, n),
			j.Arranged, cancel, calls[0].Called, calls[len(calls)-1].Called)
	}
}
