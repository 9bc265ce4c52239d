package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/reference/gateway"
)

func runCommand(at locate, wraps []Wrap) *cobra.Command {
	var config gateway.Config
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the gateway",
		Long: `Run the gateway of a home, until SIGTERM or SIGINT.

The first signal starts a shutdown: new turns are refused, turns in flight get
--shutdown-timeout to finish and are interrupted past it; those of a session, and
runs, are run again when the gateway starts again. A second signal ends the
gateway at once.

Environment:
  GATEWAY_HOME              state directory (--home)
  GATEWAY_LISTEN            host:port of the ingress (--listen)
  GATEWAY_SHUTDOWN_TIMEOUT  how long a shutdown waits for turns (--shutdown-timeout)
  GATEWAY_FOLLOWUP          what becomes of a message to a busy session: refuse (409,
                            the default) or queue (202, and it runs after that turn)
  GATEWAY_TOOLS             what the model may call: clock, background_job, or both
                            with a comma between; nothing when unset
  GATEWAY_DRAIN_MAX_AGE     how long a drain request holds unless it is written
                            again; 1h when unset
  GATEWAY_NOTIFY_URL        is posted a JSON object when the gateway shuts down,
                            unless a drain request asks for silence
  MODEL_BASE_URL            an OpenAI-compatible endpoint; a built-in echo when unset
  MODEL_API_KEY             its key, where it needs one
  MODEL_NAME                the model to ask for; the client's choice when unset

Exit codes:
  0    shut down in good order
  1    serving failed
  2    did not start: usage, configuration, port in use, or the home is taken
  130  ended at once by a second signal, SIGINT (143: SIGTERM)`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	listen := flags.String("listen", gateway.DefaultListen, "host:port of the ingress")
	timeout := flags.Duration("shutdown-timeout", gateway.DefaultShutdownTimeout, "how long a shutdown waits for turns in flight")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if config, err = gateway.ConfigFromEnv(); err != nil {
			return err
		}
		if config.Home, err = at(); err != nil {
			return err
		}
		if flags.Changed("listen") {
			config.Listen = *listen
		}
		if flags.Changed("shutdown-timeout") {
			config.ShutdownTimeout = *timeout
		}
		if config.ShutdownTimeout < 0 {
			return errors.New("--shutdown-timeout is below zero; give how long to wait for turns, like 30s")
		}
		config.Log = newLog(cmd.ErrOrStderr())

		signals := make(chan os.Signal, 2)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		defer signal.Stop(signals)
		// Whoever reads the logs may go away; the turns stay.
		signal.Ignore(syscall.SIGPIPE)

		around := make([]gateway.Wrap, len(wraps))
		for i, wrap := range wraps {
			around[i] = wrap.Gateway
		}
		err = gateway.New(config, around...).Run(cmd.Context(), signals)
		var start *gateway.StartError
		var interrupted *gateway.Interrupted
		if errors.As(err, &start) || errors.As(err, &interrupted) {
			return err
		}
		return failed(err)
	}
	return cmd
}
