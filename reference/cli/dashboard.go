package cli

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/reference/dashboard"
)

// EnvDashboardListen overrides the default of dashboard --listen.
const EnvDashboardListen = "GATEWAY_DASHBOARD_LISTEN"

func dashboardCommand(at locate) *cobra.Command {
	listen := "127.0.0.1:8081"
	if address := os.Getenv(EnvDashboardListen); address != "" {
		listen = address
	}
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the gateway's status over HTTP, whether it lives or not",
		Long: `Serve GET /api/status for the gateway of a home, from a process of its own.

A dead gateway reads as stopped, whatever its state file says: whether it lives is
taken from the lock it holds, which the kernel drops with the process.

Environment:
  GATEWAY_HOME              state directory (--home)
  GATEWAY_DASHBOARD_LISTEN  host:port (--listen)`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&listen, "listen", listen, "host:port to serve on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := at()
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		return dashboard.Run(ctx, listen, dir, newLog(cmd.ErrOrStderr()))
	}
	return cmd
}
