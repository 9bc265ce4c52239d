package target

import (
	"encoding/json"
	"time"
)

// Durations are strings ("2s") in files and in reports, and time.Duration in Go;
// the methods below translate in both directions, so that a target survives a
// round trip through JSON (between the processes of a parallel run, for one).

func parseDuration(raw string) (time.Duration, error) {
	if raw == "" {
		return 0, nil
	}
	return time.ParseDuration(raw)
}

func formatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

type readyJSON struct {
	URL    string `json:"url"`
	Within string `json:"within,omitempty"`
}

// MarshalJSON writes the duration as a string.
func (r Ready) MarshalJSON() ([]byte, error) {
	return json.Marshal(readyJSON{r.URL, formatDuration(r.Within)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (r *Ready) UnmarshalJSON(raw []byte) error {
	var j readyJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	d, err := parseDuration(j.Within)
	*r = Ready{URL: j.URL, Within: d}
	return err
}

type boundsJSON struct {
	Observe string `json:"observe,omitempty"`
}

// MarshalJSON writes the duration as a string.
func (b Bounds) MarshalJSON() ([]byte, error) {
	return json.Marshal(boundsJSON{formatDuration(b.Observe)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (b *Bounds) UnmarshalJSON(raw []byte) error {
	var j boundsJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	d, err := parseDuration(j.Observe)
	*b = Bounds{Observe: d}
	return err
}

type shutdownJSON struct {
	Deadline string         `json:"deadline,omitempty"`
	Short    *ShortDeadline `json:"short,omitempty"`
}

// MarshalJSON writes the duration as a string.
func (s Shutdown) MarshalJSON() ([]byte, error) {
	return json.Marshal(shutdownJSON{formatDuration(s.Deadline), s.Short})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (s *Shutdown) UnmarshalJSON(raw []byte) error {
	var j shutdownJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	d, err := parseDuration(j.Deadline)
	*s = Shutdown{Deadline: d, Short: j.Short}
	return err
}

type shortDeadlineJSON struct {
	Deadline string            `json:"deadline,omitempty"`
	Env      map[string]string `json:"env,omitempty"`
}

// MarshalJSON writes the duration as a string.
func (s ShortDeadline) MarshalJSON() ([]byte, error) {
	return json.Marshal(shortDeadlineJSON{formatDuration(s.Deadline), s.Env})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (s *ShortDeadline) UnmarshalJSON(raw []byte) error {
	var j shortDeadlineJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	d, err := parseDuration(j.Deadline)
	*s = ShortDeadline{Deadline: d, Env: j.Env}
	return err
}

type expiryJSON struct {
	MaxAge string `json:"maxAge,omitempty"`
}

// MarshalJSON writes the duration as a string.
func (e Expiry) MarshalJSON() ([]byte, error) {
	return json.Marshal(expiryJSON{formatDuration(e.MaxAge)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (e *Expiry) UnmarshalJSON(raw []byte) error {
	var j expiryJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	d, err := parseDuration(j.MaxAge)
	*e = Expiry{MaxAge: d}
	return err
}
