package dashboard

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
)

const strong = "Xq3vT9bLk0ZcR7yWm2HdNf8sGj5uPa1oEi4xVtQwYzA"

// desk is a dashboard of a home without a gateway.
type desk struct {
	t    *testing.T
	home string
	http.Handler
}

func newDesk(t *testing.T, secret string, wraps ...Wrap) *desk {
	home := t.TempDir()
	return &desk{t, home, Handler(Config{
		Home: home, Log: slog.New(slog.DiscardHandler), Token: Token{Secret: secret, Principal: "ann"},
		Stamp: epochs{own: "here"},
	}, wraps...)}
}

type epochs struct {
	own string
	err error
}

func (e epochs) Epoch() (string, error) { return e.own, e.err }

type answer struct {
	status int
	Action string
	Epoch  string
	// Existed is nil where the answer does not say.
	Existed *bool
	Error   struct{ Code, Message string }
}

func (d *desk) post(token, body string) answer {
	d.t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/api/gateway/drain", strings.NewReader(body))
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	recorder := httptest.NewRecorder()
	d.ServeHTTP(recorder, request)
	got := answer{status: recorder.Code}
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		d.t.Fatalf("%q: %v", recorder.Body, err)
	}
	return got
}

func (d *desk) marker() (drain.Request, bool) {
	d.t.Helper()
	seen := drain.Home{Dir: d.home}.Look(d.t.Context())
	if seen.Problem != nil {
		d.t.Error(seen.Problem)
	}
	return seen.Request, seen.Present
}

func existed(a answer, want bool) bool {
	return a.status == http.StatusOK && a.Existed != nil && *a.Existed == want
}

// The marker is written whole, also over another, and says who asked (CONTROL-001,
// CONTROL-005); there is no gateway, and none is needed (CONTROL-007).
func TestDrain(t *testing.T) {
	d := newDesk(t, strong)
	for i, body := range []string{`{"action":"drain"}`, "", " \n", `{"action":"drain","principal":"mallory","more":[1]}`} {
		if a := d.post(strong, body); !existed(a, i > 0) || a.Action != "drain" {
			t.Errorf("%q: %+v", body, a)
		}
		m, there := d.marker()
		if !there || m.Action != "drain" || m.Principal != "ann" || m.Epoch != "here" || time.Since(m.RequestedAt).Abs() > time.Minute {
			t.Errorf("%q: the marker is %+v, %t", body, m, there)
		}
	}
	if entries, err := os.ReadDir(d.home); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A request that can't be stamped is honoured everywhere, and made all the same.
func TestDrainWithoutAnEpoch(t *testing.T) {
	for name, stamp := range map[string]drain.Epoch{"none": nil, "unreadable": epochs{err: errors.New("no /proc")}} {
		home := t.TempDir()
		d := &desk{t, home, Handler(Config{Home: home, Log: slog.New(slog.DiscardHandler), Token: Token{Secret: strong}, Stamp: stamp})}
		a := d.post(strong, "")
		if m, there := d.marker(); !existed(a, false) || !there || m.Epoch != "" {
			t.Errorf("%s: %+v, marker %+v", name, a, m)
		}
	}
}

// A cancel says whether there was a marker, and is no error when there was none
// (CONTROL-002).
func TestCancel(t *testing.T) {
	d := newDesk(t, strong)
	d.post(strong, "")
	for _, want := range []bool{true, false, false} {
		if a := d.post(strong, `{"action":"cancel"}`); !existed(a, want) || a.Action != "cancel" {
			t.Errorf("want existed %t: %+v", want, a)
		}
		if _, there := d.marker(); there {
			t.Error("the marker is still there")
		}
	}
}

// What is refused leaves the marker as it was, there or not (CONTROL-003,
// CONTROL-004, CONTROL-006).
func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		secret, token, body string
		status              int
		code                string
	}{
		"another action":     {strong, strong, `{"action":"restart"}`, 400, "invalid_request"},
		"another case":       {strong, strong, `{"action":"Drain"}`, 400, "invalid_request"},
		"another field":      {strong, strong, `{"Action":"drain"}`, 400, "invalid_request"},
		"no action":          {strong, strong, `{}`, 400, "invalid_request"},
		"null action":        {strong, strong, `{"action":null}`, 400, "invalid_request"},
		"a number":           {strong, strong, `{"action":1}`, 400, "invalid_request"},
		"a list":             {strong, strong, `["drain"]`, 400, "invalid_request"},
		"a string":           {strong, strong, `"drain"`, 400, "invalid_request"},
		"null":               {strong, strong, `null`, 400, "invalid_request"},
		"no JSON":            {strong, strong, `action=drain`, 400, "invalid_request"},
		"torn":               {strong, strong, `{"action":"drain"`, 400, "invalid_request"},
		"two objects":        {strong, strong, `{"action":"drain"}{}`, 400, "invalid_request"},
		"too long":           {strong, strong, `{"action":"drain","x":"` + strings.Repeat("x", maxBody) + `"}`, 400, "invalid_request"},
		"no token":           {strong, "", ``, 401, "unauthorized"},
		"wrong token":        {strong, strings.ToLower(strong), ``, 401, "unauthorized"},
		"beginning of it":    {strong, strong[:42], ``, 401, "unauthorized"},
		"more than it":       {strong, strong + "A", ``, 401, "unauthorized"},
		"wrong, and no JSON": {strong, "x", `?`, 401, "unauthorized"},
		"no secret":          {"", "", ``, 503, "control_disabled"},
		"weak secret":        {strong[:42], strong[:42], ``, 503, "control_disabled"},
	}
	for name, c := range cases {
		for _, marked := range []bool{false, true} {
			d := newDesk(t, c.secret)
			laid := []byte("as it was")
			if marked {
				if err := os.WriteFile(filepath.Join(d.home, drain.MarkerName), laid, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if a := d.post(c.token, c.body); a.status != c.status || a.Error.Code != c.code || a.Error.Message == "" || strings.Contains(a.Error.Message, strong[:8]) {
				t.Errorf("%s: %+v", name, a)
			}
			content, err := os.ReadFile(filepath.Join(d.home, drain.MarkerName))
			if marked != (err == nil) || marked && string(content) != string(laid) {
				t.Errorf("%s: the marker is %q, %v", name, content, err)
			}
		}
	}
}

func TestOtherSchemesAndMethods(t *testing.T) {
	d := newDesk(t, strong)
	for header, want := range map[string]int{
		"bearer  " + strong: 200, "Basic " + strong: 401, strong: 401, "Bearer": 401, "": 401,
	} {
		request := httptest.NewRequest(http.MethodPost, "/api/gateway/drain", nil)
		request.Header.Set("Authorization", header)
		recorder := httptest.NewRecorder()
		d.ServeHTTP(recorder, request)
		if recorder.Code != want || (want == 401) != (recorder.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%q: status %d", header, recorder.Code)
		}
	}
	recorder := httptest.NewRecorder()
	d.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/gateway/drain", nil))
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", recorder.Code)
	}
}

// broken is a marker that can't be moved, as in a home that can't be written.
type broken struct{}

func (broken) Write(drain.Request) (bool, error) { return false, os.ErrPermission }
func (broken) Remove() (bool, error)             { return false, os.ErrPermission }

// A marker that was not moved is a clear error and never an ok (CONTROL-008).
func TestUnwritableHome(t *testing.T) {
	d := newDesk(t, strong, Wrap{Marker: func(*Parts, Marker) Marker { return broken{} }})
	for _, body := range []string{"", `{"action":"cancel"}`} {
		if a := d.post(strong, body); a.status != 500 || a.Error.Code != "marker_unwritable" || a.Error.Message == "" {
			t.Errorf("%q: %+v", body, a)
		}
	}
	gone := newDesk(t, strong)
	if err := os.Remove(gone.home); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", `{"action":"cancel"}`} {
		if a := gone.post(strong, body); a.status != 500 || a.Error.Code != "marker_unwritable" {
			t.Errorf("no home, %q: %+v", body, a)
		}
	}
}

func TestStrength(t *testing.T) {
	distinct := "abcdefghijklmnopqrstuvwxyz"
	for name, c := range map[string]struct{ secret, says string }{
		"random":                {strong, ""},
		"one short":             {strong[:42], "42 characters"},
		"characters, not bytes": {strings.Repeat("ü", 22), "22 characters"},
		"15 different":          {strings.Repeat(distinct[:15], 4), "15 different"},
		"16 different":          {strings.Repeat(distinct[:16], 4), ""},
		"skewed":                {strings.Repeat("a", 60) + distinct[1:16], "bits"},
		"none":                  {"", "no secret"},
	} {
		err := Strength(c.secret)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s: it tells the secret: %v", name, err)
		}
	}
}

// Whatever a body is, it asks for one of two things, or it is an error and asks for
// nothing; and only an object or nothing at all asks for something.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"action":"drain"}`, `{"action":"cancel","x":1}`, `{"action":"drain"`, "null", "[]", "\ufeff{}", `{"action":"\u0064rain"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		act, err := Parse(body)
		if err != nil {
			if act != "" {
				t.Fatalf("%q: an error that asks for %q", body, act)
			}
			return
		}
		var object map[string]any
		bare := strings.Trim(string(body), " \t\r\n")
		switch {
		case bare == "" && act == Drain:
		case json.Unmarshal(body, &object) == nil && object["action"] == string(act) && (act == Drain || act == Cancel):
		default:
			t.Fatalf("%q asks for %q", body, act)
		}
	})
}
