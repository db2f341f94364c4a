// Command offhook is a softphone for contact-centre agents that lives in a terminal.
//
// It wires the parts together: every subcommand is one small file here and none of them holds logic of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"charm.land/fang/v2"
	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"offhook/internal/text"
)

// version is set by the release build.
var version = "0.1.0-dev"

func main() {
	// Sound needs a processor within milliseconds, also while the screen or the collector is busy; on one or two
	// processors Go would make it wait for a ten-millisecond slice.
	runtime.GOMAXPROCS(max(4, runtime.NumCPU()+2))
	log.SetOutput(io.Discard) // libraries must not write over the screen
	os.Exit(run())
}

// exitError carries the exit status of a command that has already said what there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	e := &env{out: os.Stdout, errOut: os.Stderr, in: os.Stdin, version: version}
	root := newRootCmd(e)
	fitHelp(root, os.Args[1:], helpWidth())
	err := fang.Execute(ctx, root, fang.WithVersion(version), fang.WithErrorHandler(sayError), fang.WithoutManpage())
	var exit exitError
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case err != nil:
		return 1
	}
	return 0
}

// sayError says what went wrong in plain lines, without a stack of wrappers and without a picture.
func sayError(w io.Writer, _ fang.Styles, err error) {
	var exit exitError
	if errors.As(err, &exit) {
		return
	}
	for line := range strings.SplitSeq(plain(err.Error()), "\n") {
		_, _ = fmt.Fprintln(w, lipgloss.NewStyle().Bold(true).Render("offhook:")+" "+text.Clean(line).String())
	}
}

func newRootCmd(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "offhook",
		Short: "A softphone for contact-centre agents that lives in a terminal",
		Long: "offhook takes SIP calls, looks the caller up in Salesforce while it rings, and writes one completed Task per call.\n\n" +
			"Try it without an account:  offhook demo\nSet it up:                  offhook config init",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return runDesk(cmd.Context(), e) },
	}
	f := root.PersistentFlags()
	f.StringVar(&e.configFile, "config", "", "file of settings (default ~/.config/offhook/config.toml)")
	f.StringVar(&e.profile, "profile", "", "profile of the settings")
	f.StringArrayVar(&e.set, "set", nil, "one setting for this run, as sip.transport=tcp")
	root.AddCommand(
		newDemoCmd(e), newConfigCmd(e), newLoginCmd(e), newLogoutCmd(e), newWhoamiCmd(e),
		newOutboxCmd(e), newHistoryCmd(e), newWhyCmd(e), newAmendCmd(e), newSyncCmd(e), newReportCmd(e), newReconcileCmd(e), newPlayCmd(e),
		newDoctorCmd(e), newSelfTestCmd(e),
		newRecordingCmd(e), newLayoutCmd(e), newFieldsCmd(e), newCallCenterCmd(e), newOpenCmd(e), newDialCmd(e),
		newEmulatorCmd(e), newExchangeCmd(e), newHubCmd(e), newMonitorCmd(e),
	)
	plainWords(root)
	return root
}
