package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/layout"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newLayoutCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "layout",
		Short: "Look after softphone layouts: what is searched and shown of a caller, and what opens",
		Long: "A softphone layout says, for inbound and outbound calls, which objects are searched, which fields are shown, and what opens\n" +
			"when nobody, one record or several are found. It is a file in the JSON of Open CTI's getSoftphoneLayout.",
		Example: "  offhook layout show\n  offhook layout check sales.json --org\n  offhook layout import downloaded.json\n  offhook layout import --from-org\n  offhook layout export > layout.json",
	}
	cmd.AddCommand(newLayoutShowCmd(e), newLayoutCheckCmd(e), newLayoutImportCmd(e), newLayoutExportCmd(e))
	return cmd
}

// layoutOf is the layout that a command is about: of the file, else of the settings, else offhook's own.
func (e *env) layoutOf(args []string) (layout.Layout, []layout.Warning, error) {
	if len(args) > 0 {
		return readLayout(args[0])
	}
	l, err := e.load()
	if errors.Is(err, config.ErrNoFile) {
		return layout.Default(), nil, nil
	}
	if err != nil {
		return layout.Layout{}, nil, err
	}
	if l.Layout.File == "" {
		return layout.Default(), nil, nil
	}
	return readLayout(beside(l, l.Layout.File))
}

func sayWarnings(w io.Writer, list []layout.Warning) {
	for _, line := range list {
		fmt.Fprintln(w, "note:", line)
	}
}

func newLayoutShowCmd(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "show [FILE]", Short: "Say what a layout does", Args: cobra.MaximumNArgs(1),
		Long: "Says what the layout in force does: that of layout.file, else offhook's own; with FILE, what that one would do.",
		RunE: func(cmd *cobra.Command, args []string) error {
			lay, warnings, err := e.layoutOf(args)
			if err != nil {
				return err
			}
			sayWarnings(cmd.ErrOrStderr(), warnings)
			for _, line := range lay.Lines() {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			if l, err := e.load(); err == nil && len(args) == 0 {
				for _, a := range l.Layout.Assign {
					who := "user " + a.User
					if a.User == "" {
						who = "profile " + a.Profile
					} else if a.Profile != "" {
						who += " with profile " + a.Profile
					}
					fmt.Fprintln(cmd.OutOrStdout(), text.Clean("For "+who+": "+a.File))
				}
			}
			return nil
		},
	}
}

func newLayoutCheckCmd(e *env) *cobra.Command {
	var org bool
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Find what is wrong with a layout", Args: cobra.MaximumNArgs(1),
		Long: "Says what of a layout cannot be read, or will not do what it seems to say. With --org it also asks your Salesforce org for\n" +
			"every object and field. Exit code 1: something is wrong.",
		RunE: func(cmd *cobra.Command, args []string) error {
			lay, problems, err := e.layoutOf(args)
			if err != nil {
				return err
			}
			problems = append(problems, lay.Check()...)
			if org {
				missing, err := e.missingOf(cmd.Context(), lay)
				if err != nil {
					return err
				}
				problems = append(problems, missing...)
			}
			for _, p := range problems {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			if len(problems) > 0 {
				return exitError(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The layout is right.")
			return nil
		},
	}
	cmd.Flags().BoolVar(&org, "org", false, "also ask the org whether it has the objects and fields")
	return cmd
}

// orgClient is a client of the profile's org; the caller closes it.
func (e *env) orgClient() (*salesforce.Client, error) {
	l, err := e.load()
	if err != nil {
		return nil, err
	}
	if l.Salesforce.ClientID == "" {
		return nil, errNoOrg
	}
	client, _, err := openAnew(l)
	return client, err
}

// missingOf asks the org for every object and field of a layout.
func (e *env) missingOf(ctx context.Context, lay layout.Layout) (out []text.Text, err error) {
	client, err := e.orgClient()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	asked := map[string]bool{}
	for _, c := range []layout.CallType{lay.Inbound, lay.Outbound} {
		for _, o := range c.Objects {
			if asked[o.Name] {
				continue
			}
			asked[o.Name] = true
			desc, err := client.Describe(ctx, salesforce.Ident(o.Name))
			switch k := salesforce.KindOf(err); {
			case err != nil && (k == salesforce.KindUnlicensed || k == salesforce.KindStale):
				out = append(out, text.Clean(o.Name+": your org has no such object, or your user may not see it: it is not searched"))
				continue
			case err != nil:
				return nil, errors.New(salesforce.Line(err))
			}
			phones := 0
			for _, f := range desc.Fields {
				if f.Type == "phone" {
					phones++
				}
			}
			if phones == 0 {
				out = append(out, text.Clean(o.Name+": it has no telephone number: it is not searched"))
			}
			for _, f := range o.Fields {
				if !desc.Has(f.Name) {
					out = append(out, text.Clean(o.Name+": it has no field "+f.Name+" that your user may see: it is not shown"))
				}
			}
		}
	}
	return out, nil
}

// useFile is what to do when the org does not hand its layout out.
const useFile = "Salesforce documents describeSoftphoneLayout as not for programs like this one. Use a file: in the browser's console of an " +
	"Open CTI softphone, sforce.opencti.getSoftphoneLayout({callback: r => console.log(JSON.stringify(r))}) prints the layout; " +
	"save it and run offhook layout import FILE"

func newLayoutImportCmd(e *env) *cobra.Command {
	var fromOrg, force bool
	var to string
	cmd := &cobra.Command{
		Use: "import [FILE]", Short: "Take over a layout from a file, or from the org", Args: cobra.MaximumNArgs(1),
		Long: "Reads a layout as getSoftphoneLayout prints it, forgives what is usually wrong with such files (missing commas, comments),\n" +
			"says what it left out, and writes a clean one beside the settings. --from-org asks the org itself, which is an experiment:\n" +
			"Salesforce may refuse it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if fromOrg == (len(args) == 1) {
				return errors.New("give a FILE, or --from-org")
			}
			var lay layout.Layout
			var warnings []layout.Warning
			var err error
			if fromOrg {
				lay, warnings, err = e.layoutFromOrg(cmd.Context())
			} else {
				lay, warnings, err = readLayout(args[0])
			}
			if err != nil {
				return err
			}
			return e.keepLayout(cmd, lay, warnings, to, force)
		},
	}
	cmd.Flags().BoolVar(&fromOrg, "from-org", false, "ask the org (SOAP describeSoftphoneLayout; experimental)")
	cmd.Flags().StringVar(&to, "to", "", "file to write (default: layout.file, else layout.json beside the settings)")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file")
	return cmd
}

func (e *env) layoutFromOrg(ctx context.Context) (layout.Layout, []layout.Warning, error) {
	client, err := e.orgClient()
	if err != nil {
		return layout.Layout{}, nil, err
	}
	defer client.Close()
	d, err := client.DescribeSoftphoneLayout(ctx)
	var fault *salesforce.SOAPError
	switch {
	case errors.As(err, &fault):
		return layout.Layout{}, nil, fmt.Errorf("%w\n%s", err, useFile)
	case err != nil:
		return layout.Layout{}, nil, errors.New(salesforce.Line(err))
	}
	lay, warnings := layout.FromDescribe(d)
	return lay, warnings, nil
}

// keepLayout writes a clean layout and says how it is put in force.
func (e *env) keepLayout(cmd *cobra.Command, lay layout.Layout, warnings []layout.Warning, to string, force bool) error {
	l, err := e.load()
	if err != nil && !errors.Is(err, config.ErrNoFile) {
		return err
	}
	inForce := false
	if to == "" {
		if l == nil || l.Path == "" {
			return errors.New("there are no settings yet: give --to FILE, or make them with offhook config init")
		}
		to = filepath.Join(filepath.Dir(l.Path), "layout.json")
		if l.Layout.File != "" {
			to, inForce = beside(l, l.Layout.File), true
		}
	}
	if err := writeNew(to, lay.JSON(), force); err != nil {
		return err
	}
	sayWarnings(cmd.ErrOrStderr(), append(warnings, lay.Check()...))
	fmt.Fprintln(cmd.OutOrStdout(), "Written:", to)
	if !inForce {
		fmt.Fprintf(cmd.OutOrStdout(), "It is in force with this in the settings:\n\n[layout]\nfile = %q\n", to)
	}
	return nil
}

// writeNew writes a file whole or not at all; one that is there is left as it is unless force says otherwise.
func writeNew(path string, raw []byte, force bool) error {
	if _, err := os.Stat(path); err == nil && !force {
		return fmt.Errorf("%s exists already and was left as it is: --force overwrites it, --to writes another", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".offhook-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}

func newLayoutExportCmd(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "export [FILE]", Short: "Print a layout in the shape of getSoftphoneLayout", Args: cobra.MaximumNArgs(1),
		Long: "Prints the layout in force, or that of FILE, as clean JSON: a start for one of your own.",
		RunE: func(cmd *cobra.Command, args []string) error {
			lay, warnings, err := e.layoutOf(args)
			if err != nil {
				return err
			}
			sayWarnings(cmd.ErrOrStderr(), warnings)
			_, err = cmd.OutOrStdout().Write(lay.JSON())
			return err
		},
	}
}
