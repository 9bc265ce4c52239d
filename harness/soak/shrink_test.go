package soak

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// needing is a gateway that fails when all of these steps are played, in that order.
func needing(want ...Verb) Fails {
	return func(_ context.Context, s Schedule) (bool, error) {
		left := want
		for _, step := range s.Steps {
			if len(left) > 0 && step.Do == left[0] {
				left = left[1:]
			}
		}
		return len(left) == 0, nil
	}
}

func verbs(s Schedule) []Verb {
	var out []Verb
	for _, step := range s.Steps {
		out = append(out, step.Do)
	}
	return out
}

// What fails for certain steps is shrunk to exactly these.
func TestShrinkFindsTheSmallest(t *testing.T) {
	all := []Verb{Submit, Begin, Await, Release, Cancel, Wait, SIGKILL, Respawn, Freeze}
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.SampledFrom(all), 0, 40).Draw(t, "schedule")
		core := rapid.SliceOfN(rapid.SampledFrom(all), 1, 5).Draw(t, "core")
		var s Schedule
		for _, v := range slices.Concat(noise, core, noise) {
			s.Steps = append(s.Steps, Step{Do: v})
		}
		got, err := Shrink(t.Context(), s, needing(core...))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(verbs(got.Schedule), core) || !got.Minimal || got.Failed != Confirm || got.To != len(core) {
			t.Fatalf("%v became %v, not %v (%+v)", verbs(s), verbs(got.Schedule), core, got)
		}
	})
}

// A number is made as small as it can be, and what is told of a step plain.
func TestShrinkMakesStepsPlain(t *testing.T) {
	s := Schedule{Steps: []Step{
		{Do: Crowd, N: 100}, {Do: Submit, Turn: "t1", Ingress: "chat", Hold: true, Tools: 2, Session: "s1"}, {Do: Begin, How: "rename"}, {Do: Cycle, N: 20},
	}}
	got, err := Shrink(t.Context(), s, func(_ context.Context, s Schedule) (bool, error) {
		return len(s.Steps) == 4 && s.Steps[0].N >= 10 && s.Steps[2].How == "rename", nil
	})
	want := []Step{{Do: Crowd, N: 10}, {Do: Submit, Turn: "t1", Ingress: "chat", Hold: true}, {Do: Begin, How: "rename"}, {Do: Cycle, N: 1}}
	if err != nil || !slices.Equal(got.Schedule.Steps, want) {
		t.Errorf("%v, %v", got.Schedule.Steps, err)
	}
}

// A smaller schedule that fails only now and then is not taken for one that fails.
func TestShrinkGoesBackToWhatFailsEveryTime(t *testing.T) {
	lucky := 0
	got, err := Shrink(t.Context(), Schedule{Steps: []Step{{Do: Begin}, {Do: Cancel}}}, func(_ context.Context, s Schedule) (bool, error) {
		if len(s.Steps) == 2 {
			return true, nil
		}
		lucky++
		return lucky == 1, nil
	})
	if err != nil || got.To != 2 || got.Failed != Confirm || got.Minimal {
		t.Errorf("%+v, %v", got, err)
	}
}

// When the time is over, the smallest so far stands, and it is said that it may not be
// the smallest.
func TestShrinkStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	got, err := Shrink(ctx, Schedule{Steps: make([]Step, 8)}, func(_ context.Context, _ Schedule) (bool, error) {
		if tries++; tries == 2 {
			cancel()
		}
		return true, nil
	})
	if !errors.Is(err, context.Canceled) || got.To >= 8 || got.Minimal {
		t.Errorf("%+v, %v", got, err)
	}
	broken := errors.New("no engine")
	got, err = Shrink(t.Context(), Schedule{Steps: make([]Step, 8)}, func(context.Context, Schedule) (bool, error) { return false, broken })
	if !errors.Is(err, broken) || got.To != 8 || got.Minimal {
		t.Errorf("%+v, %v", got, err)
	}
}
