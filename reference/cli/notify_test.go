package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/drainproof/drainproof/reference/notify"
)

// A shutdown is broadcast, unless an active drain asks for silence (NOTIFY-001,
// NOTIFY-002).
func TestShutdownIsAnnounced(t *testing.T) {
	told := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	defer server.Close()
	for name, c := range map[string]struct {
		begin     []string
		announced bool
	}{
		"no drain":       {nil, true},
		"a drain":        {[]string{"drain", "begin"}, true},
		"a silent drain": {[]string{"drain", "begin", "--suppress-notification"}, false},
	} {
		p := start(t, t.TempDir(), []string{notify.EnvURL + "=" + server.URL})
		if c.begin != nil {
			expect(t, p.home, ExitOK, "drain requested", c.begin...)
		}
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != 0 {
			t.Errorf("%s: exit %d", name, code)
		}
		// The gateway waits for its broadcast to be taken, so it is here by now.
		select {
		case body := <-told:
			if !c.announced || !strings.Contains(body, `"event":"gateway_shutdown"`) {
				t.Errorf("%s: told %s", name, body)
			}
		default:
			if c.announced {
				t.Errorf("%s: nobody was told", name)
			}
		}
	}
}
