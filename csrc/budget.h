/* budget.h - how long operations that are done at once keep the loop. */
#ifndef AIOFILES_C_BUDGET_H
#define AIOFILES_C_BUDGET_H

#include "op.h"

void budget_init(ModuleState *state);

/* An operation that gave way goes on; false if it has to give way again. */
bool budget_resume(OpObject *op);

/* op has given way to ask the kernel again: if it is the first since the loop
 * has turned, the time of this turn begins. */
void budget_turn(OpObject *op);

#endif
