package main

import (
	"errors"
	"path/filepath"

	"offhook/desk"
	"offhook/internal/control"
)

// reachable lets other programs of the same user ask this desk for something. That they cannot stands in the log, offhook dial
// points there, and it is no reason to take no calls. The ledger's lock is held: a socket that lies there is nobody's.
func (w *workplace) reachable(ledgerPath string) {
	server, err := control.Listen(control.Options{
		Folder: filepath.Dir(ledgerPath), Log: w.log,
		Do: map[string]control.Handler{control.Dial: w.offered},
	})
	switch {
	case errors.Is(err, control.ErrUnsupported): // offhook dial says so
	case err != nil:
		w.log.Warn("other programs cannot reach this desk", "error", err)
	default:
		w.control = server
	}
}

// offered hands the number of another program to the desk. Nobody is called by that.
func (w *workplace) offered(r control.Request) error {
	t, err := control.Parse(r.Number)
	if err != nil {
		return err
	}
	w.desk.Post(desk.NumberOffered{Number: t.Number, Ext: t.Ext, Context: t.Context})
	return nil
}
