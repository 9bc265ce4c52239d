package cli

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/reference/dashboard"
)

// Environment variables of the dashboard; the first overrides the default of
// --listen. A secret is given in no other way: others see a process's arguments.
const (
	EnvDashboardListen  = "GATEWAY_DASHBOARD_LISTEN"
	EnvControlToken     = "GATEWAY_CONTROL_TOKEN"
	EnvControlPrincipal = "GATEWAY_CONTROL_PRINCIPAL"
)

// defaultControlPrincipal is whom the token stands for, where nobody says.
const defaultControlPrincipal = "dashboard"

func dashboardCommand(at locate, stamps stamper, wraps []Wrap) *cobra.Command {
	listen := "127.0.0.1:8081"
	if address := os.Getenv(EnvDashboardListen); address != "" {
		listen = address
	}
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the gateway's status, and a drain endpoint, whether it lives or not",
		Long: `Serve these for the gateway of a home, from a process of its own:

  GET  /api/status          the gateway's state
  POST /api/gateway/drain   request a drain ({"action":"drain"}, or no body at all),
                            or take it back ({"action":"cancel"})

A dead gateway reads as stopped, whatever its state file says: whether it lives is
taken from the lock it holds, which the kernel drops with the process.

The drain endpoint wants "Authorization: Bearer TOKEN". It is off without a token, and
with a weak one: fewer than 43 characters, 16 different ones or 128 bits of entropy.
Make one with: head -c 32 /dev/urandom | base64

Environment:
  GATEWAY_HOME               state directory (--home)
  GATEWAY_DASHBOARD_LISTEN   host:port (--listen)
  GATEWAY_CONTROL_TOKEN      the token
  GATEWAY_CONTROL_PRINCIPAL  whom it stands for, as the marker tells it (` + defaultControlPrincipal + `)`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&listen, "listen", listen, "host:port to serve on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := at()
		if err != nil {
			return err
		}
		config := dashboard.Config{
			Home: dir, Log: newLog(cmd.ErrOrStderr()), Stamp: stamps(dir),
			Token: dashboard.Token{Secret: os.Getenv(EnvControlToken), Principal: os.Getenv(EnvControlPrincipal)},
		}
		if config.Token.Principal == "" {
			config.Token.Principal = defaultControlPrincipal
		}
		var around []dashboard.Wrap
		for _, wrap := range wraps {
			around = append(around, wrap.Dashboard)
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		return dashboard.Run(ctx, listen, config, around...)
	}
	return cmd
}
