package soak

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Bad schedules are refused with a line that says what is wrong with them.
func TestBadSchedules(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "not JSON"},
		"torn":               {`{"schema": 1, "steps": [`, "not JSON"},
		"a list":             {`[]`, "object"},
		"another schema":     {`{"schema": 2, "steps": []}`, "schema"},
		"no steps":           {`{"schema": 1}`, "steps"},
		"an unknown verb":    {`{"schema": 1, "steps": [{"do": "explode"}]}`, "do"},
		"an unknown field":   {`{"schema": 1, "steps": [{"do": "begin", "hwo": "rename"}]}`, "hwo"},
		"another way":        {`{"schema": 1, "steps": [{"do": "begin", "how": "fifo"}]}`, "how"},
		"waits for nothing":  {`{"schema": 1, "steps": [{"do": "await"}]}`, "what"},
		"waits for no time":  {`{"schema": 1, "steps": [{"do": "wait"}]}`, "ms"},
		"freezes backwards":  {`{"schema": 1, "steps": [{"do": "freeze", "ms": -5}]}`, "ms"},
		"a crowd of none":    {`{"schema": 1, "steps": [{"do": "crowd", "n": 0}]}`, "n"},
		"a huge crowd":       {`{"schema": 1, "steps": [{"do": "crowd", "n": 100000}]}`, "n"},
		"an odd hurry":       {`{"schema": 1, "steps": [{"do": "hurry", "how": "begin stop"}]}`, `step 1: a hurry is made of "begin" and "cancel", not of "stop"`},
		"a short hurry":      {`{"schema": 1, "steps": [{"do": "hurry", "how": "begin"}]}`, "two operations"},
		"a turn of no name":  {`{"schema": 1, "steps": [{"do": "submit"}]}`, "step 1 (submit) gives its turn no name"},
		"a name twice":       {`{"schema": 1, "steps": [{"do": "submit", "turn": "a"}, {"do": "job", "turn": "a"}]}`, "steps 1 and 2 both make a turn"},
		"of which turn":      {`{"schema": 1, "steps": [{"do": "begin"}, {"do": "await", "what": "held"}]}`, "step 2 (await held) does not say of which turn"},
		"a status of no one": {`{"schema": 1, "steps": [{"do": "submit", "turn": "a", "fail": 200}]}`, "fail"},
		"a home too late":    {`{"schema": 1, "steps": [{"do": "begin"}, {"do": "home", "how": "full"}]}`, "step 2 (home (full)) is not the first one"},
		"a home of no sort":  {`{"schema": 1, "steps": [{"do": "home", "how": "on fire"}]}`, "how"},
		"a home and no how":  {`{"schema": 1, "steps": [{"do": "home"}]}`, "how"},
		"endless steps":      {`{"schema": 1, "steps": [` + strings.Repeat(`{"do":"cancel"},`, 10_000) + `{"do":"cancel"}]}`, "maxItems"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "s.json")
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Read(file)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%v, want something of %q", err, c.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a schedule that is not there was read")
	}
}

func TestASchedulesFile(t *testing.T) {
	want := Schedule{
		Schema: ScheduleVersion, Target: "reference", Seed: 7, Requirement: "GATE-001", How: "a turn got in",
		Steps: []Step{{Do: Begin, How: "rename"}, {Do: Submit, Turn: "t1", Ingress: "chat", Hold: true, Fail: 503}, {Do: Rewrite, MS: -1500}},
	}
	file := filepath.Join(t.TempDir(), ScheduleName)
	if err := want.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(file); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got := want.Steps[1].String() + "; " + want.Steps[2].String(); got != "submit t1 on chat, held, the model fails with 503; rewrite, -1.5s" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schema": 1, "steps": [{"do": "hurry", "how": "begin cancel"}]}`))
	f.Add([]byte(`{"schema": 1, "steps": [{"do": "submit", "turn": "a", "hold": true}, {"do": "await", "what": "held", "turn": "a"}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if s, err := Parse(data); err == nil {
			for _, step := range s.Steps {
				_ = step.String()
			}
		}
	})
}
