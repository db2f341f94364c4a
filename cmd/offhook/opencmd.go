package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
	"offhook/ui"
)

func newOpenCmd(e *env) *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use: "open RECORD", Short: "Open a Salesforce record in the browser", Args: cobra.ExactArgs(1),
		Long: "RECORD is a record's id (15 or 18 characters) or its address in your org. Nothing is asked of Salesforce. Where no browser can be seen,\n" +
			"over SSH or without a display, and with --print, the address is printed. Only https pages of the signed-in org are opened.",
		RunE: func(cmd *cobra.Command, args []string) error { return e.openRecord(cmd.Context(), args[0], show) },
	}
	cmd.Flags().BoolVar(&show, "print", false, "print the address instead of opening it")
	return cmd
}

func (e *env) openRecord(ctx context.Context, record string, show bool) error {
	l, err := e.loadSalesforce()
	if err != nil {
		return err
	}
	client, _, err := openClient(l, nil, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	instance, err := client.KeptInstance(ctx)
	if err != nil && !errors.Is(err, salesforce.ErrNoToken) {
		return err
	}
	address, err := recordAddress(record, instance)
	if err != nil {
		return err
	}
	org, err := url.Parse(instance)
	if err == nil && !show && hasBrowser(os.Getenv) && ui.OwnPage(address, org.Host) && openBrowser(address) {
		return nil
	}
	_, err = fmt.Fprintln(e.out, link(e.out, address))
	return err
}

// recordAddress makes the address of a record in an org. An address is taken apart and made anew: nothing of it but object and id is
// used.
func recordAddress(record, instance string) (string, error) {
	if instance == "" {
		return "", errors.New("nobody is signed in to Salesforce, so the org is not known: run offhook login")
	}
	object, id, host := crm.SplitAddress(record)
	switch {
	case id != "" && !crm.SameOrg(host, instance):
		return "", fmt.Errorf("nothing was opened: that address is of another org, %s", text.Clean(host))
	case id == "":
		id = strings.TrimSpace(record)
	}
	if !salesforce.ValidID(id) || len(id) == 18 && salesforce.LongID(id[:15]) != id {
		return "", fmt.Errorf("%q is neither a record's id nor its address: an id has 15 or 18 characters, and the last three of 18 are a checksum", text.Clean(record))
	}
	if ref, ok := crm.RefOfID(id); ok && object == "" {
		object = ref.Type
	}
	if salesforce.Ident(object).Valid() {
		return instance + "/lightning/r/" + object + "/" + id + "/view", nil
	}
	return instance + "/" + id, nil // Salesforce knows the object by the id
}
