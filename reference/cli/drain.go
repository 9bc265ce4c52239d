package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/status"
)

func drainCommand(at locate, stamps stamper) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Ask the gateway to drain, take it back, and see how far it is",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(beginCommand(at, stamps), cancelCommand(at), statusCommand(at), waitCommand(at), epochCommand(at, stamps))
	return cmd
}

func beginCommand(at locate, stamps stamper) *cobra.Command {
	ask := drain.Request{Action: drain.ActionDrain}
	var stamp bool
	cmd := &cobra.Command{
		Use:   "begin",
		Short: "Request a drain: no new turns, turns in flight finish",
		Long: `Request a drain by writing the marker into the gateway's home. The gateway stops
taking turns and lets those in flight finish; it never exits because of it. Undo it
with "gateway drain cancel"; wait for it with "gateway drain wait".

A marker written while the gateway is down is honoured when it starts. A request
holds for an hour (GATEWAY_DRAIN_MAX_AGE of the gateway): begin again to go on.

The request is stamped with the epoch of this container, so that a gateway in a
container made anew does not obey it. Give --stamp=false when this command runs in
another container than the gateway will.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.Principal, "principal", defaultPrincipal(), "who asks, for the gateway's log")
	flags.BoolVar(&ask.SuppressNotification, "suppress-notification", false, "tell nobody should the gateway shut down meanwhile")
	flags.BoolVar(&stamp, "stamp", true, "let the request end with the life of this container")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := at()
		if err != nil {
			return err
		}
		request := ask
		request.RequestedAt = time.Now().UTC()
		var unstamped error
		if stamp {
			request, unstamped = request.Stamped(stamps(dir))
		}
		replaced, err := drain.Write(dir, request)
		if err != nil {
			return failed(err)
		}
		said := "drain requested"
		if replaced {
			said = "drain requested again (one was requested already)"
		}
		view, err := status.Read(dir)
		switch {
		case err != nil:
			return failed(err)
		case !view.Alive:
			said += "; no gateway is running, it will drain from its start"
		default:
			said += fmt.Sprintf("; turns in flight: %d", view.ActiveAgents)
		}
		if unstamped != nil {
			said += "\nthe request bears no epoch: " + unstamped.Error()
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
		return failed(err)
	}
	return cmd
}

func epochCommand(at locate, stamps stamper) *cobra.Command {
	return &cobra.Command{
		Use:   "epoch",
		Short: "Print the epoch with which begin stamps a request",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at()
			if err != nil {
				return err
			}
			own, err := stamps(dir).Epoch()
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), own)
			return failed(err)
		},
	}
}

func cancelCommand(at locate) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel",
		Short: "Take a drain request back",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at()
			if err != nil {
				return err
			}
			existed, err := drain.Remove(dir)
			if err != nil {
				return failed(err)
			}
			said := "no drain was requested; nothing to cancel"
			if existed {
				said = "drain cancelled"
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return failed(err)
		},
	}
}

func statusCommand(at locate) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the gateway's state, the turns in flight, and whether a drain is requested",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := at()
		if err != nil {
			return err
		}
		now, err := read(cmd.Context(), dir)
		if err != nil {
			return failed(err)
		}
		if asJSON {
			return failed(json.NewEncoder(cmd.OutOrStdout()).Encode(now))
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), now)
		return failed(err)
	}
	return cmd
}

// defaultPrincipal is the user at this machine.
func defaultPrincipal() string {
	name := "unknown"
	if who, err := user.Current(); err == nil {
		name = who.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
