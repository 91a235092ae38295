/*
 * The program of the built-in image tug/hello. Without arguments it says what has just happened; `facts` shows what a
 * container is from within; `sleep N` stays for N seconds. The image holds nothing else, so it needs no other file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES_MAX 16

static const char greeting[] =
	"\n"
	"Hello from tug!\n"
	"\n"
	"This text comes from a process in a container of its own. On the way to it:\n"
	" 1. The command line asked the daemon, tugd, for a container of the image tug/hello.\n"
	" 2. The daemon mounted the image without unpacking it and compiled the container to a\n"
	"    plan: a flat list of system calls, which \"tug plan tug/hello\" shows.\n"
	" 3. A small program in C ran the plan, became the parent of this process and passes on\n"
	"    what it writes.\n"
	"\n"
	"See what a container sees of the world:\n"
	" $ tug run --rm tug/hello facts\n"
	"\n";

static const char usage[] =
	"usage: hello            say what has happened\n"
	"       hello facts      show what this container is from within\n"
	"       hello sleep N    stay for N seconds, or until a signal\n";

static void fact(const char *name, const char *value)
{
	printf("%-14s %s\n", name, value);
}

/* The first line of a file; false when there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	bool found = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (found)
		line[strcspn(line, "\n")] = '\0';
	return found;
}

static void show_process(void)
{
	char text[64];
	snprintf(text, sizeof text, "%d%s", getpid(), getpid() == 1 ? " (nothing else runs in here)" : "");
	fact("pid", text);
	snprintf(text, sizeof text, "%u:%u", geteuid(), getegid());
	fact("user", text);
}

static void show_hostname(void)
{
	char name[256];
	fact("hostname", gethostname(name, sizeof name) == 0 ? name : strerror(errno));
}

/* All but the loopback's. */
static void show_addresses(void)
{
	struct ifaddrs *list = NULL;
	int shown = 0;
	if (getifaddrs(&list) != 0) {
		fact("address", strerror(errno));
		return;
	}
	for (struct ifaddrs *at = list; at != NULL && shown < ADDRESSES_MAX; at = at->ifa_next) {
		char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + IF_NAMESIZE + 4];
		const void *raw;
		if (at->ifa_addr == NULL || (at->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			raw = &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
		else if (at->ifa_addr->sa_family == AF_INET6)
			raw = &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
		else
			continue;
		if (inet_ntop(at->ifa_addr->sa_family, raw, address, sizeof address) == NULL)
			continue;
		snprintf(text, sizeof text, "%s (%.*s)", address, IF_NAMESIZE, at->ifa_name);
		fact("address", text);
		shown++;
	}
	if (shown == 0)
		fact("address", "none: this container has no network");
	freeifaddrs(list);
}

/* Of cgroup v2, whose root in here is the container's own, or of v1. */
static void show_memory_limit(void)
{
	char line[64], text[96];
	if (!read_line("/sys/fs/cgroup/memory.max", line, sizeof line) &&
	    !read_line("/sys/fs/cgroup/memory/memory.limit_in_bytes", line, sizeof line)) {
		fact("memory limit", "not visible");
		return;
	}
	unsigned long long bytes = strtoull(line, NULL, 10);
	/* v1 writes the largest number of whole pages for "no limit". */
	if (bytes == 0 || bytes >= 1ULL << 62)
		snprintf(text, sizeof text, "none");
	else
		snprintf(text, sizeof text, "%llu MiB", bytes >> 20);
	fact("memory limit", text);
}

static void show_root(void)
{
	fact("root", access("/hello", X_OK) == 0 ? "the image's: this program is the only file in it" : "the image's");
}

static int show_facts(void)
{
	show_process();
	show_hostname();
	show_addresses();
	show_memory_limit();
	show_root();
	return 0;
}

/* As pid 1 a process gets only signals that it asked for. */
static void leave(int signal)
{
	_exit(128 + signal);
}

static int stay(const char *seconds)
{
	char *end;
	long left = strtol(seconds, &end, 10);
	if (*seconds == '\0' || *end != '\0' || left < 0) {
		fprintf(stderr, "hello: sleep: not a number of seconds: %s\n", seconds);
		return 2;
	}
	struct sigaction action = { .sa_handler = leave };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	struct timespec rest = { .tv_sec = left };
	while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc <= 1)
		return fputs(greeting, stdout) < 0;
	if (strcmp(argv[1], "facts") == 0 && argc == 2)
		return show_facts();
	if (strcmp(argv[1], "sleep") == 0 && argc == 3)
		return stay(argv[2]);
	fputs(usage, stderr);
	return 2;
}
