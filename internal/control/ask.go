package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Ask asks the desk of a state folder for one thing. It fails with ErrNobody when no desk listens, with a *RefusedError when the desk
// says no, and never waits longer than a few seconds.
func Ask(ctx context.Context, folder string, r Request) error {
	r.Version = Version
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(line) >= MaxLine {
		return errors.New("the request is too long")
	}
	c, err := connect(ctx, Path(folder))
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	if _, err := c.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the desk did not listen: %w", err)
	}
	answer, err := bufio.NewReaderSize(c, MaxLine).ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("the desk did not answer: %w", err)
	}
	var a Answer
	switch err := json.Unmarshal(answer, &a); {
	case err != nil:
		return errors.New("the desk's answer cannot be read")
	case !a.OK:
		return &RefusedError{a.Error}
	}
	return nil
}
