package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard says which part of a run's checks is run; the zero value is all of them.
type Shard struct {
	Index int `json:"index"` // from 1
	Of    int `json:"of"`
}

// ParseShard reads "2/4", the second of four parts.
func ParseShard(s string) (Shard, error) {
	first, second, _ := strings.Cut(s, "/")
	i, err := strconv.Atoi(first)
	of, err2 := strconv.Atoi(second)
	part := Shard{Index: i, Of: of}
	if err != nil || err2 != nil || !part.Valid() {
		return Shard{}, fmt.Errorf("%q is no part of a run; write which of how many, from 1/4 to 4/4", s)
	}
	return part, nil
}

// Valid says whether there is such a part.
func (s Shard) Valid() bool { return 1 <= s.Index && s.Index <= s.Of }

// Whole says whether it is no part, but all of a run.
func (s Shard) Whole() bool { return s == Shard{} }

// String is what ParseShard reads; "" for a whole run.
func (s Shard) String() string {
	if s.Whole() {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}
