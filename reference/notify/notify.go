package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// EnvURL names the environment variable that says whom to tell.
const EnvURL = "GATEWAY_NOTIFY_URL"

// Event is what every broadcast of a shutdown is recognised by.
const Event = "gateway_shutdown"

// Shutdown is what is told.
type Shutdown struct {
	ActiveAgents int       `json:"active_agents"` // turns in flight when it began
	PID          int       `json:"pid"`
	At           time.Time `json:"at"`
}

// Notifier broadcasts.
type Notifier interface {
	// Notify returns when the broadcast was taken, could not be made, or ctx ended.
	Notify(ctx context.Context, shutdown Shutdown) error
}

// Config says whom to tell.
type Config struct {
	URL string // http or https; nobody is told when empty
}

// ConfigFromEnv reads the environment.
func ConfigFromEnv() Config { return Config{URL: os.Getenv(EnvURL)} }

// New returns the notifier of a configuration.
func New(config Config) (Notifier, error) {
	if config.URL == "" {
		return nobody{}, nil
	}
	// The address may hold a token, so no message repeats it.
	to, err := url.Parse(config.URL)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil, fmt.Errorf("%s is no http or https address; write it like https://host/path, or leave it unset to tell nobody", EnvURL)
	}
	return &poster{url: to.String(), client: http.Client{
		// A broadcast is for the address that was configured, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

type nobody struct{}

func (nobody) Notify(context.Context, Shutdown) error { return nil }

// poster posts the broadcast as JSON, once.
type poster struct {
	url    string
	client http.Client
}

// Notify is done when the answer's status is there; what it says is not read.
func (p *poster) Notify(ctx context.Context, shutdown Shutdown) error {
	body, err := json.Marshal(struct {
		Event string `json:"event"`
		Shutdown
	}{Event, shutdown})
	if err != nil {
		return fmt.Errorf("cannot encode the broadcast: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("cannot broadcast: %w", withoutURL(err))
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true // it is the last one there is
	answer, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("cannot broadcast to the host of %s: %w", EnvURL, withoutURL(err))
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<10) // so that the other side is not cut short
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the host of %s did not take the broadcast: %s", EnvURL, answer.Status)
	}
	return nil
}

// withoutURL strips the address, which may hold a token, from an error.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
