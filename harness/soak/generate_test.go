package soak

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
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
	done, hardships := map[Verb]int{}, map[string]int{}
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
		for i, step := range s.Steps {
			done[step.Do]++
			if step.Do == Home && i == 0 {
				hardships[step.How]++
			}
			if s.Steps[0].How == HomeFull && step.Do == Recreate {
				t.Errorf("seed %d: a home of limited size does not outlive what step %d does", seed, i+1)
			}
		}
	}
	for _, how := range []string{HomeFull, HomeReadOnly} {
		if n := hardships[how]; n < 2000/hardshipEvery/2 || n > 2000/hardshipEvery*2 {
			t.Errorf("%d of 2000 schedules begin with a home that is %s, want one in about %d", n, how, hardshipEvery)
		}
	}
	for _, v := range []Verb{
		Home, Submit, Crowd, Release, Emit, Resume, Abort, Begin, Rewrite, Hostile, Cancel, Hurry, Control, Cycle,
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
			if slices.Contains([]Verb{Home, Control, Job, Process, Recreate, Hostile, Load, SIGTERM}, step.Do) || step.Tools > 0 || step.Session != "" || step.N > cycles {
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
	home := Schedule{Steps: []Step{{Do: Home, How: HomeFull}, {Do: Begin}}}
	if got := Join(home, home).Steps; !reflect.DeepEqual(got, []Step{{Do: Home, How: HomeFull}, {Do: Begin}, {Do: Begin}}) {
		t.Errorf("%+v", got)
	}
	alone := Schedule{Seed: 3, Steps: []Step{{Do: Submit, Turn: "t1"}}}
	if got := Join(alone); !reflect.DeepEqual(got, alone) {
		t.Errorf("%+v", got)
	}
}

// A schedule of which the home is a part says where it cannot be played, and its seed makes
// one there that can.
func TestHardships(t *testing.T) {
	ground := terrain(t)
	under := *ground.Target
	under.Init = &target.Init{}
	for name, c := range map[string]struct {
		ground Terrain
		want   string
	}{
		"processes": {Terrain{Target: ground.Target, Corpus: ground.Corpus, Load: true}, "--runtime docker"},
		"an init":   {Terrain{Target: &under, Corpus: ground.Corpus, Docker: true, Load: true}, "an init of its own"},
	} {
		seen := 0
		for seed := range int64(200) {
			s := Generate(seed, ground)
			if _, hard := s.hardship(); !hard {
				continue
			}
			seen++
			if err := s.Suits(ground); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if err := s.Suits(c.ground); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, seed %d: %v, want something of %q", name, seed, err, c.want)
			}
			plain := Generate(seed, c.ground)
			if _, hard := plain.hardship(); hard || plain.Suits(c.ground) != nil {
				t.Errorf("%s, seed %d: it begins with %s", name, seed, plain.Steps[0])
			}
			// Where the home goes on, nothing else is different.
			if name == "an init" && s.Steps[0].How == HomeReadOnly && !reflect.DeepEqual(s.Steps[1:], plain.Steps) {
				t.Errorf("seed %d: its other steps are not those it has without", seed)
			}
		}
		if seen == 0 {
			t.Errorf("%s: no schedule of 200 begins with a hardship", name)
		}
	}
}
