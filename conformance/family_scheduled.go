package conformance

import (
	"context"
	"time"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// The SCHEDULED family: jobs, which are turns that nobody sends.
func (s *suite) scheduled() {
	s.situation("SCHEDULED", "jobs",
		"counts a job that runs, starts none during a drain, and runs what fell due after the cancel, once",
		ids("SCHEDULED-001", "SCHEDULED-002", "SCHEDULED-003", "GATE-004"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "put a turn and a job in flight")
			turn := gw.held(ctx, pod.Turn{Purpose: "in flight beside a job"})
			job := gw.schedule(ctx, pod.Job{Hold: true, Purpose: "due before the drain"})
			gw.patientlyTurn(ctx, job, gw.Grace()+gw.Target().Jobs.Late).Should(expect.BeHeldByTheModel())

			gw.step(ctx, "schedule another for when the drain is in effect, and drain: both in flight are counted")
			// A gateway may take B to notice the marker; the job must not be due before.
			distance := max(gw.B()+gw.B()/4, gw.Target().Jobs.Soonest)
			missed := gw.schedule(ctx, pod.Job{In: distance, Hold: true, Purpose: "due during the drain"})
			late := time.Now().Add(distance + gw.Target().Jobs.Late) // after it, which may take its time
			gw.drain(ctx)
			gw.holds(ctx, gw.B()/8, expect.HaveCount(2))
			must(turn.Release(ctx))
			gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			gw.eventually(ctx).Should(expect.HaveCount(1))
			gw.finishes(ctx, job)

			gw.step(ctx, "let the other fall due: nothing starts")
			must(gw.Hold(ctx, time.Until(late)+gw.B()/8))
			gomega.Expect(missed).NotTo(expect.HaveCalledTheModel(1))
			gw.holds(ctx, gw.B()/20, expect.HaveCount(0))

			gw.step(ctx, "cancel: it runs, once")
			gw.revert(ctx)
			gw.eventuallyTurn(ctx, missed).Should(expect.BeHeldByTheModel())
			gw.eventually(ctx).Should(expect.HaveCount(1))

			gw.step(ctx, "another drain, and its cancel, leave it alone")
			gw.crosses(ctx, 1)
			gw.finishes(ctx, missed)
			must(gw.Hold(ctx, gw.B()/2))
		}, needs("scheduled"))
}

func (g gateway) schedule(ctx context.Context, j pod.Job) *pod.Submitted {
	s, err := g.Schedule(ctx, j)
	must(err)
	return s
}
