/* Calls C_GetTokenInfo twice; the environment makes the first call panic. */
#include "module.h"

int main(int argc, char **argv)
{
	struct list *l = load(argv[1]);
	struct ck_token_info info;
	ck_rv first, second;

	(void)argc;
	if (l->f[F_Initialize](0) != RV_OK)
		return 4;
	first = l->f[F_GetTokenInfo](0, &info);
	second = l->f[F_GetTokenInfo](0, &info);
	printf("first 0x%lx, second 0x%lx\n", first, second);
	return l->f[F_Finalize](0) != RV_OK;
}
