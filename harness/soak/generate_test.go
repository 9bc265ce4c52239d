package soak

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/target"
)

func terrain(t *testing.T) Terrain {
	t.Helper()
	reference, err := target.Load("../../fixtures/targets/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	markers, err := corpus.Load("../../fixtures/markers/catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Terrain{Target: reference, Corpus: markers, Docker: true, Load: true}
}

// Every schedule of a seed is the same one, is a schedule by the schema, and all of them
// together do all that can be done.
func TestGenerate(t *testing.T) {
	ground := terrain(t)
	done := map[Verb]int{}
	for seed := range int64(2000) {
		s := Generate(seed, ground)
		if again := Generate(seed, ground); !reflect.DeepEqual(s, again) {
			t.Fatalf("seed %d: two schedules", seed)
		}
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Parse(raw)
		if err != nil || !reflect.DeepEqual(read, s) {
			t.Fatalf("seed %d: %v\n%s", seed, err, raw)
		}
		for _, step := range s.Steps {
			done[step.Do]++
		}
	}
	for _, v := range []Verb{
		Submit, Crowd, Release, Emit, Resume, Abort, Begin, Rewrite, Hostile, Cancel, Hurry, Control, Cycle,
		Await, Wait, SIGTERM, SIGKILL, Respawn, Recreate, Freeze, Load, Unload, Job, Process, Complete,
	} {
		if done[v] == 0 {
			t.Errorf("no schedule does %s", v)
		}
	}
}

// A target that has little gets schedules that ask for no more.
func TestGenerateForLittle(t *testing.T) {
	ground := terrain(t)
	bare := *ground.Target
	bare.Features, bare.Control, bare.Tools, bare.Jobs, bare.Background, bare.Capacity = nil, nil, nil, nil, nil, 1
	for _, seed := range []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 300, 301} {
		for _, step := range Generate(seed, Terrain{Target: &bare}).Steps {
			if slices.Contains([]Verb{Control, Job, Process, Recreate, Hostile, Load, SIGTERM}, step.Do) || step.Tools > 0 || step.Session != "" || step.N > cycles {
				t.Errorf("seed %d: %s", seed, step)
			}
		}
	}
}

func TestJoin(t *testing.T) {
	got := Join(Schedule{Seed: 1, Steps: []Step{{Do: Submit, Turn: "t1"}}}, Schedule{Seed: 2, Steps: []Step{{Do: Begin}, {Do: Release, Turn: "t1"}}})
	want := Schedule{Seed: 2, Steps: []Step{{Do: Submit, Turn: "a-t1"}, {Do: Begin}, {Do: Release, Turn: "b-t1"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	alone := Schedule{Seed: 3, Steps: []Step{{Do: Submit, Turn: "t1"}}}
	if got := Join(alone); !reflect.DeepEqual(got, alone) {
		t.Errorf("%+v", got)
	}
}
