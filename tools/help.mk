# `make` alone prints all targets, variables and parameters of the search space.

help:
	@echo 'make <target> [VARIABLE=value ...]'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile tools/development.mk tools/setup.mk | awk -F'|' '{printf "%-15s %s\n", $$1, $$2}'
	@echo
	@echo '  variable      default         meaning'
	@sed -n 's/^#: /  /p' Makefile tools/options.mk
	@sed -n '/^SPACE/,/^}/s/^    "\([a-z_]*\)": ("\([a-z ]*\)", \[\(.*\)\]),  # \(.*\)/\1|\2|\3|\4/p' $(SPACE) | tr -d '"' | \
	  awk -F'|' '$$1 != "depth" {if ($$2 == "one of") of = "one of "; else {of = ""; sub(/, /, " to ", $$3)}; \
	    printf "  %-15s               for try: %s: %s%s\n", toupper($$1), $$4, of, $$3}'
