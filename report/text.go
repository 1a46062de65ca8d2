package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text writes the protocol as plain text in UTF-8.
func Text(w io.Writer, in Input) error {
	p, err := build(in)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	heading(out, p.Title, "=")
	fmt.Fprintf(out, "\n%s\n", p.Headline)
	for _, line := range []string{p.Lead, p.Remedy} {
		if line != "" {
			fmt.Fprintln(out, line)
		}
	}
	for _, s := range p.Sections {
		fmt.Fprintln(out)
		heading(out, s.Title, "-")
		for _, r := range s.Rows {
			fmt.Fprintf(out, "%s: %s\n", r.Name, r.Value)
		}
		for _, c := range s.Checks {
			fmt.Fprintf(out, "%s %s [%s; %s]", c.Mark, c.Title, c.ID, c.Cite)
			if c.Detail != "" {
				fmt.Fprintf(out, ": %s", c.Detail)
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprintf(out, "\n%s\n", p.Notice)
	return out.Flush()
}

func heading(out io.Writer, title, line string) {
	fmt.Fprintf(out, "%s\n%s\n", title, strings.Repeat(line, len([]rune(title))))
}
