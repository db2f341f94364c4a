package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/lacks"
	"offhook/crm/layout"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newCallCenterCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "callcenter",
		Short: "Read and write call-centre XML, in both of Salesforce's dialects",
		Long: "A call centre is what Salesforce assigns agents to. Its XML carries, among other things, the digits that go in front of numbers\n" +
			"(dialing options). It is read and written as the definition file that Setup imports, and as the Metadata API's file.",
		Example: "  offhook callcenter show ours.xml\n  offhook callcenter show --org\n  offhook callcenter import ours.xml\n  offhook callcenter export --dialect metadata > OffhookDesk.callCenter-meta.xml",
	}
	cmd.AddCommand(newCentreShowCmd(e), newCentreImportCmd(e), newCentreExportCmd(e))
	return cmd
}

// centreFile is the file that a command is about: the given one, else that of the settings.
func (e *env) centreFile(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	l, err := e.load()
	if err != nil {
		return "", err
	}
	if l.Dialing.CallCenter == "" {
		return "", errors.New("give a FILE: dialing.call_center names none")
	}
	return beside(l, l.Dialing.CallCenter), nil
}

func newCentreShowCmd(e *env) *cobra.Command {
	var org bool
	cmd := &cobra.Command{
		Use: "show [FILE]", Short: "Show a call centre's settings, one per line", Args: cobra.MaximumNArgs(1),
		Long: "Shows the settings of FILE, else of dialing.call_center, with the keys of getCallCenterSettings, and what Salesforce would\n" +
			"refuse. With --org: the call centre that your Salesforce user belongs to.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if org {
				return e.showOrgCentre(cmd)
			}
			path, err := e.centreFile(args)
			if err != nil {
				return err
			}
			c, _, err := readCentre(path)
			if err != nil {
				return err
			}
			for _, s := range c.Flat() {
				fmt.Fprintf(cmd.OutOrStdout(), "%s = %s\n", s.Key, text.Clean(s.Value.String()))
			}
			if !c.CustomSettings.Empty() {
				fmt.Fprintf(cmd.OutOrStdout(), "customSettings = %s\n", text.Clean(c.CustomSettings.String()))
			}
			sayDialing(cmd.OutOrStdout(), c.Dialing())
			return sayProblems(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().BoolVar(&org, "org", false, "the call centre of the signed-in user")
	return cmd
}

func sayProblems(w io.Writer, c layout.CallCenter) error {
	problems := c.Check()
	for _, p := range problems {
		fmt.Fprintln(w, "Salesforce refuses it:", p)
	}
	if len(problems) > 0 {
		return exitError(1)
	}
	return nil
}

// sayDialing says what the options do with a number.
func sayDialing(w io.Writer, o layout.DialingOptions) {
	if o.Zero() {
		fmt.Fprintln(w, "Dialing options: none, numbers are dialled as they are.")
		return
	}
	show := func(s string) string {
		if s == "" {
			return "–"
		}
		return s
	}
	fmt.Fprintf(w, "Dialing options: outside %s, long distance %s, international %s\n", show(o.Outside), show(o.LongDistance), show(o.International))
}

func (e *env) showOrgCentre(cmd *cobra.Command) error {
	client, err := e.orgClient()
	if err != nil {
		return err
	}
	defer client.Close()
	user, err := client.Agent(cmd.Context())
	if err != nil {
		return errors.New(salesforce.Line(err))
	}
	m, err := crm.ReadMember(cmd.Context(), client, user.UserID)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintln(w, text.Clean("User         "+user.Username+", profile "+m.ProfileName.String()))
	if !m.CentreKnown {
		return errors.New("whether you belong to a call centre cannot be read: your org has none, or your user may not see it")
	}
	if !m.InCentre {
		fmt.Fprintf(w, "Call centre  none: %s\n", lacks.Rules().Get("centre.none").With().Means)
		return exitError(1)
	}
	c := m.Centre
	fmt.Fprintf(w, "Call centre  %s (%s), version %s\nAdapter      %s\n", c.Name, c.InternalName, c.Version.Or(text.Clean("–")), c.AdapterURL)
	if !c.Settings.Empty() {
		fmt.Fprintln(w, "Settings    ", text.Clean(c.Settings.String()))
	}
	sayDialing(w, c.Dialing())
	return nil
}

func newCentreImportCmd(e *env) *cobra.Command {
	var to string
	var force bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take over a call centre's XML, for its dialing options", Args: cobra.ExactArgs(1),
		Long: "Reads a call centre in either dialect, says what Salesforce would refuse, and writes a clean definition file beside the settings.\n" +
			"Settings that offhook does not know are kept.",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readSmall(args[0])
			if err != nil {
				return err
			}
			_, _, warnings, err := layout.ParseCallCenter(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			c, dialect, err := readCentre(args[0])
			if err != nil {
				return err
			}
			if dialect == layout.DialectMetadata && !c.CustomSettings.Empty() {
				warnings = append(warnings, text.Clean("customSettings has no place in a definition file and was left out; its dialing options were taken over"))
				c = c.WithDialing(c.Dialing())
			}
			l, err := e.load()
			if err != nil && !errors.Is(err, config.ErrNoFile) {
				return err
			}
			inForce := false
			if to == "" {
				if l == nil || l.Path == "" {
					return errors.New("there are no settings yet: give --to FILE, or make them with offhook config init")
				}
				to = filepath.Join(filepath.Dir(l.Path), "callcenter.xml")
				if l.Dialing.CallCenter != "" {
					to, inForce = beside(l, l.Dialing.CallCenter), true
				}
			}
			if err := writeNew(to, layout.WriteCallCenter(c, layout.DialectSetup), force); err != nil {
				return err
			}
			sayWarnings(cmd.ErrOrStderr(), warnings)
			w := cmd.OutOrStdout()
			fmt.Fprintln(w, "Written:", to)
			sayDialing(w, c.Dialing())
			if !inForce {
				fmt.Fprintf(w, "They are in force with this in the settings:\n\n[dialing]\ncall_center = %q\n", to)
			}
			for _, p := range c.Check() {
				fmt.Fprintln(w, "Salesforce refuses it:", p)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "file to write (default: dialing.call_center, else callcenter.xml beside the settings)")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file")
	return cmd
}

func newCentreExportCmd(e *env) *cobra.Command {
	var dialect, name string
	cmd := &cobra.Command{
		Use: "export [FILE]", Short: "Print a call centre's XML in either dialect", Args: cobra.MaximumNArgs(1),
		Long: "Prints FILE, else the call centre of the settings, else one made for offhook with your dialing options, which Setup, Call\n" +
			"Centers, Import takes as it is. In the metadata dialect the file's name is the call centre's internal name.",
		RunE: func(cmd *cobra.Command, args []string) error {
			d := layout.Dialect(dialect)
			if d != layout.DialectSetup && d != layout.DialectMetadata {
				return fmt.Errorf("--dialect %s: it is setup or metadata", text.Clean(dialect))
			}
			c, err := e.centreToExport(args)
			if err != nil {
				return err
			}
			if name != "" {
				c = c.Named(name)
			}
			if d == layout.DialectSetup && !c.CustomSettings.Empty() {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: customSettings has no place in a definition file and was left out")
			}
			for _, p := range c.Check() {
				fmt.Fprintln(cmd.ErrOrStderr(), "Salesforce refuses it:", p)
			}
			_, err = cmd.OutOrStdout().Write(layout.WriteCallCenter(c, d))
			return err
		},
	}
	cmd.Flags().StringVar(&dialect, "dialect", "setup", "setup (Setup, Call Centers, Import) or metadata (Metadata API, SFDX)")
	cmd.Flags().StringVar(&name, "name", "", "internal name, letters and digits")
	return cmd
}

func (e *env) centreToExport(args []string) (layout.CallCenter, error) {
	if len(args) > 0 {
		c, _, err := readCentre(args[0])
		return c, err
	}
	l, err := e.load()
	if errors.Is(err, config.ErrNoFile) {
		return layout.OwnCallCenter(layout.DialingOptions{}), nil
	}
	if err != nil {
		return layout.CallCenter{}, err
	}
	if l.Dialing.CallCenter != "" {
		c, _, err := readCentre(beside(l, l.Dialing.CallCenter))
		return c, err
	}
	o, err := dialingOptions(l)
	return layout.OwnCallCenter(o), err
}
