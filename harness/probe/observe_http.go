package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

const httpReadTimeout = time.Second

// httpReader reads an HTTP publication. A publication that can't be reached is a
// finding, not a failure: gateways are killed here.
type httpReader struct {
	spec   *wire.Publication
	client *http.Client
}

func newHTTPReader(spec *wire.Publication) (*httpReader, error) {
	if err := checkURL(spec.URL); err != nil {
		return nil, err
	}
	return &httpReader{spec: spec, client: &http.Client{
		Timeout: httpReadTimeout,
		Transport: &http.Transport{
			MaxIdleConns:    2,
			IdleConnTimeout: 5 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (h *httpReader) fetch(ctx context.Context) reading {
	var r reading
	r.call = now()
	body, err := h.get(ctx)
	r.ret = now()
	if err != nil {
		r.state = history.State{Publication: h.spec.Name, Problem: history.ProblemUnreachable, Error: err.Error()}
		return r
	}
	r.state = parsePublished(h.spec, body)
	return r
}

func (h *httpReader) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.spec.URL, nil)
	if err != nil {
		return nil, err
	}
	setHeader(req, h.spec.Header)
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPublished))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, excerpt(body))
	}
	return body, nil
}
