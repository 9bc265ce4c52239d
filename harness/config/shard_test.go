package config_test

import (
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/config"
)

func TestParseShard(t *testing.T) {
	for text, want := range map[string]config.Shard{"1/4": {Index: 1, Of: 4}, "4/4": {Index: 4, Of: 4}, "1/1": {Index: 1, Of: 1}} {
		got, err := config.ParseShard(text)
		if err != nil || got != want || got.String() != text || got.Whole() {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "2", "0/4", "5/4", "-1/4", "1/0", "1/", "/4", "1/2/3", "1 /2", "a/b"} {
		if got, err := config.ParseShard(text); err == nil || !strings.Contains(err.Error(), "from 1/4 to 4/4") {
			t.Errorf("%q became %+v, %v", text, got, err)
		}
	}
	if whole := (config.Shard{}); !whole.Whole() || whole.Valid() || whole.String() != "" {
		t.Errorf("a whole run is %q", whole)
	}
}

// Parts of a run belong together by its seed, so it must be said.
func TestAPartNeedsASeed(t *testing.T) {
	path := write(t, "target: t.yaml\n")
	c, err := config.LoadEnv(path, env("DRAINPROOF_SHARD", "2/4", "DRAINPROOF_SEED", "7"))
	if err != nil || c.Shard != (config.Shard{Index: 2, Of: 4}) || !strings.Contains(strings.Join(c.Overrides, " "), "DRAINPROOF_SHARD") {
		t.Errorf("%+v, %v", c, err)
	}
	for _, e := range [][]string{{"DRAINPROOF_SHARD", "2/4"}, {"DRAINPROOF_SHARD", "2/4", "DRAINPROOF_SEED", "0"}} {
		if _, err := config.LoadEnv(path, env(e...)); err == nil ||
			!strings.Contains(err.Error(), "environment: DRAINPROOF_SHARD: part 2/4 of a run has no seed; give all parts the same DRAINPROOF_SEED") {
			t.Errorf("%v: %v", e, err)
		}
	}
	if _, err := config.LoadEnv(path, env("DRAINPROOF_SHARD", "5/4", "DRAINPROOF_SEED", "7")); err == nil || !strings.Contains(err.Error(), `"5/4" is no part of a run`) {
		t.Errorf("%v", err)
	}
}
