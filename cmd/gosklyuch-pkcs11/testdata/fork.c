/* Forks after C_Initialize and calls everything in the child. */
#include "module.h"

int main(int argc, char **argv)
{
	struct list *l = load(argv[1]);
	unsigned long n = 0;
	int status;
	pid_t child;

	(void)argc;
	if (l->f[F_Initialize](0) != RV_OK)
		return 4;
	child = fork();
	if (child == 0) {
		int refused = 0;
		alarm(20); /* a child that enters Go hangs */
		for (int i = 0; i < F_COUNT; i++)
			if (i != F_GetFunctionList && l->f[i](0, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL) == RV_GENERAL)
				refused++;
		printf("functions refused in the child: %d\n", refused);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 5;
	if (l->f[F_GetSlotList](0, NULL, &n) != RV_OK || n != 1 || l->f[F_Finalize](0) != RV_OK)
		return 6;
	printf("parent goes on: ok\n");
	return 0;
}
