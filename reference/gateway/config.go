package gateway

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/notify"
	"github.com/drainproof/drainproof/reference/tool"
)

// Defaults and the environment variables that override them.
const (
	DefaultListen          = "127.0.0.1:8080"
	EnvListen              = "GATEWAY_LISTEN"
	DefaultShutdownTimeout = 30 * time.Second
	EnvShutdownTimeout     = "GATEWAY_SHUTDOWN_TIMEOUT"
	EnvTools               = "GATEWAY_TOOLS"
	EnvFollowUp            = "GATEWAY_FOLLOWUP"
)

// Config is all a gateway is told.
type Config struct {
	Home   string
	Listen string // host:port
	// ShutdownTimeout is how long a shutdown waits for turns in flight.
	ShutdownTimeout time.Duration
	// QueueFollowUps has messages to a busy session wait for their turn; they are
	// refused otherwise.
	QueueFollowUps bool
	Tools          []string // what the model may call; see package tool
	// DrainMaxAge is how long a drain request holds unless it is written again.
	DrainMaxAge time.Duration
	Notify      notify.Config // who is told of a shutdown
	Model       model.Config
	Log         *slog.Logger
}

// ConfigFromEnv reads the environment and fills in defaults.
func ConfigFromEnv() (Config, error) {
	dir, err := home.Default()
	if err != nil {
		return Config{}, err
	}
	config := Config{Home: dir, Listen: DefaultListen, ShutdownTimeout: DefaultShutdownTimeout, Model: model.ConfigFromEnv(), Notify: notify.ConfigFromEnv()}
	if listen := os.Getenv(EnvListen); listen != "" {
		config.Listen = listen
	}
	if timeout := os.Getenv(EnvShutdownTimeout); timeout != "" {
		config.ShutdownTimeout, err = time.ParseDuration(timeout)
		if err != nil || config.ShutdownTimeout < 0 {
			return Config{}, fmt.Errorf("%s is %q, which is no duration; write it like 30s or 2m", EnvShutdownTimeout, timeout)
		}
	}
	if config.Tools, err = tool.Parse(os.Getenv(EnvTools)); err != nil {
		return Config{}, fmt.Errorf("%s: %w", EnvTools, err)
	}
	switch mode := os.Getenv(EnvFollowUp); mode {
	case "", "refuse":
	case "queue":
		config.QueueFollowUps = true
	default:
		return Config{}, fmt.Errorf("%s is %q; say what becomes of a message to a busy session, queue or refuse", EnvFollowUp, mode)
	}
	if config.DrainMaxAge, err = drain.MaxAgeFromEnv(); err != nil {
		return Config{}, err
	}
	return config, nil
}
