package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/layout"
	"offhook/desk"
	"offhook/internal/text"
)

// maxLayoutFile bounds what is read of a file that should be a layout or a call centre; the parsers say the rest.
const maxLayoutFile = 1<<20 + 1

// beside is the path of a file that the settings name: relative ones stand beside the file of settings.
func beside(l *config.Loaded, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(l.Path), path)
}

// readSmall reads a file that has no business to be large.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var lost *fs.PathError
		if errors.As(err, &lost) {
			return nil, fmt.Errorf("%s cannot be read: %w", path, lost.Err)
		}
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxLayoutFile))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return raw, nil
}

// readLayout reads a layout of a file; it is named after the file when it has no name of its own.
func readLayout(path string) (layout.Layout, []layout.Warning, error) {
	raw, err := readSmall(path)
	if err != nil {
		return layout.Layout{}, nil, err
	}
	lay, warnings, err := layout.Parse(raw)
	if err != nil {
		return layout.Layout{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	if lay.Name == "" {
		lay.Name = text.Clean(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))).String()
	}
	return lay, warnings, nil
}

// layouts are the layouts of the settings, by whom they are for.
type layouts struct {
	lines []config.LayoutLine
	of    []layout.Layout // of each line
	file  *layout.Layout  // everybody else's; nil: offhook's own
}

// openLayouts reads every layout that the settings name.
func openLayouts(l *config.Loaded) (out layouts, err error) {
	if f := l.Layout.File; f != "" {
		lay, _, err := readLayout(beside(l, f))
		if err != nil {
			return out, fmt.Errorf("layout.file: %w", err)
		}
		out.file = &lay
	}
	for i, line := range l.Layout.Assign {
		if line.File == "" || line.User == "" && line.Profile == "" {
			return out, fmt.Errorf("layout.assign: entry %d must have a file, and a user or a profile", i+1)
		}
		lay, _, err := readLayout(beside(l, line.File))
		if err != nil {
			return out, fmt.Errorf("layout.assign: entry %d: %w", i+1, err)
		}
		out.lines, out.of = append(out.lines, line), append(out.of, lay)
	}
	return out, nil
}

// byProfile reports whether the profile of the user decides.
func (ls layouts) byProfile() bool {
	for _, line := range ls.lines {
		if line.Profile != "" {
			return true
		}
	}
	return false
}

// choose returns a user's layout: the first line that fits, else the common one; nil is offhook's own.
func (ls layouts) choose(username string, m crm.Member) *layout.Layout {
	for i, line := range ls.lines {
		user := line.User == "" || strings.EqualFold(line.User, username)
		profile := line.Profile == "" || strings.EqualFold(line.Profile, m.ProfileName.String()) ||
			m.ProfileID != "" && len(line.Profile) >= 15 && crm.SameID(line.Profile, m.ProfileID)
		if user && profile {
			return &ls.of[i]
		}
	}
	return ls.file
}

// applyLayout gives the desk and its lookups the layout of the user who has signed in.
func (o *org) applyLayout(ctx context.Context, d *desk.Desk, userID, username string) {
	m, err := crm.ReadMember(ctx, o.client, userID)
	if err != nil && o.layouts.byProfile() {
		d.Post(desk.Told{Severity: desk.Warning, Text: text.Clean("Your Salesforce profile could not be read: layouts that are given to profiles are not used.")})
	}
	o.useLayout(d, o.layouts.choose(username, m))
}

func (o *org) useLayout(d *desk.Desk, lay *layout.Layout) {
	o.layout.Store(lay)
	d.Post(desk.LayoutChanged{Layout: lay})
}

// browse opens a page of the layout. Where no browser can be, over SSH or in a script, the agent reads the address.
func (o *org) browse(d *desk.Desk, b desk.Browse, still bool) {
	address := o.directory.Address(b.Pop, b.Record, b.Values)
	switch {
	case address == "":
		d.Post(desk.Told{Severity: desk.Warning, Text: text.Clean("The layout's page " + b.Pop.Data + " could not be opened: its address is not known before the sign-in.")})
	case still || os.Getenv("SSH_CONNECTION") != "":
		d.Post(desk.Told{Severity: desk.Info, Text: text.Clean("The layout opens this page: " + address)})
	default:
		openBrowser(address)
		d.Post(desk.Told{Severity: desk.Info, Text: text.Clean("The layout's page " + b.Pop.Data + " opens in the browser.")})
	}
}

// dialingOptions are the settings', and where they are silent the call centre's.
func dialingOptions(l *config.Loaded) (layout.DialingOptions, error) {
	o := layout.DialingOptions{Outside: l.Dialing.Outside, LongDistance: l.Dialing.LongDistance, International: l.Dialing.International}
	for name, v := range map[string]string{"outside": o.Outside, "long_distance": o.LongDistance, "international": o.International} {
		if !layout.Dials(v) {
			return o, fmt.Errorf("dialing.%s: %q must be digits", name, v)
		}
	}
	if l.Dialing.CallCenter == "" {
		return o, nil
	}
	c, _, err := readCentre(beside(l, l.Dialing.CallCenter))
	if err != nil {
		return o, fmt.Errorf("dialing.call_center: %w", err)
	}
	of := c.Dialing()
	if o.Outside == "" {
		o.Outside = of.Outside
	}
	if o.LongDistance == "" {
		o.LongDistance = of.LongDistance
	}
	if o.International == "" {
		o.International = of.International
	}
	return o, nil
}

// readCentre reads a call centre in either dialect. A Metadata file is named after the call centre.
func readCentre(path string) (layout.CallCenter, layout.Dialect, error) {
	raw, err := readSmall(path)
	if err != nil {
		return layout.CallCenter{}, "", err
	}
	c, d, _, err := layout.ParseCallCenter(raw)
	if err != nil {
		return c, d, fmt.Errorf("%s: %w", path, err)
	}
	if c.InternalName() == "" {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		c = c.Named(name)
	}
	return c, d, nil
}
