package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
)

// maxBody is the longest request taken, in bytes.
const maxBody = 64 << 10

// Act is what a request asks for.
type Act string

// The two acts there are.
const (
	Drain  Act = drain.ActionDrain
	Cancel Act = "cancel"
)

// Parse reads a request's body. An empty one asks for a drain (CONTROL-001); what is
// no JSON object with one of the two actions is an error, and asks for nothing
// (CONTROL-003).
func Parse(body []byte) (Act, error) {
	if body = bytes.Trim(body, " \t\r\n"); len(body) == 0 {
		return Drain, nil
	}
	var fields map[string]json.RawMessage // field names are taken as they are written
	if err := json.Unmarshal(body, &fields); err != nil {
		return "", fmt.Errorf("the body is no JSON object: %w", err)
	}
	raw, there := fields["action"]
	if !there {
		return "", errors.New(`the body has no "action"; it is "drain" or "cancel"`)
	}
	var act Act
	if err := json.Unmarshal(raw, &act); err != nil || act != Drain && act != Cancel {
		return "", fmt.Errorf(`the action is %.60s; there are "drain" and "cancel"`, raw)
	}
	return act, nil
}

// Controller moves the marker for somebody whose token was verified.
type Controller interface {
	// Drain requests a drain and says whether one was requested already.
	Drain(principal string) (existed bool, err error)
	// Cancel takes the request back and says whether there was one.
	Cancel(principal string) (existed bool, err error)
}

// mover is the Controller. It needs no gateway: who starts later finds the marker
// (CONTROL-007).
type mover struct {
	marker Marker
	stamp  drain.Epoch
	log    *slog.Logger
}

// Drain writes down who asked: the one the token stands for (CONTROL-005).
func (m *mover) Drain(principal string) (bool, error) {
	request := drain.Request{Action: drain.ActionDrain, RequestedAt: time.Now().UTC(), Principal: principal}
	if m.stamp != nil {
		stamped, err := request.Stamped(m.stamp)
		if err != nil {
			m.log.Warn("the drain request bears no epoch", "reason", err)
		}
		request = stamped
	}
	existed, err := m.marker.Write(request)
	if err == nil {
		m.log.Info("drain requested", "principal", principal, "existed", existed)
	}
	return existed, err
}

func (m *mover) Cancel(principal string) (bool, error) {
	existed, err := m.marker.Remove()
	if err == nil {
		m.log.Info("drain cancelled", "principal", principal, "existed", existed)
	}
	return existed, err
}

// control is POST /api/gateway/drain. Weak secrets switch it off for everybody, also
// for who has the right token (CONTROL-006).
func control(p *Parts) http.Handler {
	if err := p.Strength(p.Token.Secret); err != nil {
		p.Log.Warn("the drain endpoint is off; set a token such as 32 random bytes in base64", "reason", err)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeFailure(w, &Refusal{http.StatusServiceUnavailable, "unavailable", "control_disabled", "the drain endpoint is off: " + err.Error()})
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		principal, ok := p.Verifier.Verify(bearer(r))
		if !ok {
			p.Log.Warn("a drain request without the right token was refused", "from", r.RemoteAddr)
			writeFailure(w, &Refusal{http.StatusUnauthorized, "invalid_request_error", "unauthorized", "give the token as Authorization: Bearer TOKEN"})
			return
		}
		act, existed, err := p.do(w, r, principal)
		if err != nil {
			writeFailure(w, refusalOf(err))
			p.Log.Warn("a drain request failed", "principal", principal, "error", err)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"action": act, "existed": existed})
	})
}

// do does what the request asks for.
func (p *Parts) do(w http.ResponseWriter, r *http.Request, principal string) (act Act, existed bool, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		act, err = p.Parse(body)
	}
	if err != nil {
		return "", false, &Refusal{http.StatusBadRequest, "invalid_request_error", "invalid_request", err.Error()}
	}
	if act == Cancel {
		existed, err = p.Controller.Cancel(principal)
	} else {
		existed, err = p.Controller.Drain(principal)
	}
	return act, existed, err
}

// refusalOf says how an error is told. What is no refusal is a marker that could
// not be moved: that is never told as an ok (CONTROL-008).
func refusalOf(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Refusal{http.StatusInternalServerError, "server_error", "marker_unwritable", err.Error()}
}
