package main

import (
	"strings"
	"testing"
)

func TestPartOfAnIndexedJob(t *testing.T) {
	for _, c := range []struct{ shard, index, want string }{
		{"job/4", "0", "1/4"}, {"job/4", "3", "4/4"}, {"2/4", "", "2/4"}, {"2/4", "0", "2/4"}, {"job", "0", "job"},
		{"job/x", "0", "1/x"}, // ParseShard says what is wrong with it
	} {
		if got, err := ofJob(c.shard, c.index); err != nil || got != c.want {
			t.Errorf("%s of %q: %s, %v", c.shard, c.index, got, err)
		}
	}
	for _, index := range []string{"", "x", "-1"} {
		if _, err := ofJob("job/4", index); err == nil || !strings.Contains(err.Error(), "--shard job/4 takes the part from JOB_COMPLETION_INDEX, which is "+`"`+index) {
			t.Errorf("%q: %v", index, err)
		}
	}
}
