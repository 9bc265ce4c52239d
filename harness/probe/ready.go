package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/harness/wire"
)

const (
	readyTimeout = time.Second
	readyEvery   = 2 * time.Millisecond
)

// ready asks until a 2xx comes, the time is over, or the process that was watched has ended
// (one that a supervisor starts again is waited for). Each attempt is a connection of its
// own, so that none is left for the turns to come.
func (p *Probe) ready(ctx context.Context, params wire.ReadyParams) wire.ReadyResult {
	ctx, cancel := context.WithTimeout(ctx, params.Within)
	defer cancel()
	if params.URL == "" {
		return p.readyByDriver(ctx)
	}
	if err := checkURL(params.URL); err != nil {
		return wire.ReadyResult{Last: err.Error()}
	}
	client := &http.Client{
		Timeout:   readyTimeout,
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	last := "nothing was tried"
	for {
		status, err := get(ctx, client, params)
		switch {
		case err == nil && status/100 == 2:
			return wire.ReadyResult{Ready: true, Last: fmt.Sprintf("status %d", status)}
		case err == nil:
			last = fmt.Sprintf("status %d", status)
		case ctx.Err() == nil: // what was seen before the time was over tells more
			last = err.Error()
		}
		if p.ended() || !pause(ctx, readyEvery) {
			return wire.ReadyResult{Last: p.rec.redacted(last)}
		}
	}
}

// ended says whether the process that was watched last has ended for good.
func (p *Probe) ended() bool {
	s, err := p.configured()
	return err == nil && s.processes.ended()
}

// readyByDriver asks the driver instead.
func (p *Probe) readyByDriver(ctx context.Context) wire.ReadyResult {
	s, err := p.configured()
	if err != nil || s.driver == nil {
		return wire.ReadyResult{Last: "there is neither a URL nor a driver to ask"}
	}
	for {
		ok, last := s.driver.ready(ctx)
		if ok || s.driver.lost() != nil || !pause(ctx, driverAgain) {
			return wire.ReadyResult{Ready: ok, Last: p.rec.redacted(last)}
		}
	}
}

func get(ctx context.Context, client *http.Client, params wire.ReadyParams) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, params.URL, nil)
	if err != nil {
		return 0, err
	}
	setHeader(req, params.Header)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	return resp.StatusCode, err
}
