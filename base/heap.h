/* Memory that is needed no longer, back to the system. */
#ifndef ORL_BASE_HEAP_H
#define ORL_BASE_HEAP_H

/* The pages of program and libraries that were never written to: linking two hundred libraries touches some 20 MB.
 * What is used again comes from the page cache. */
void orl_heap_drop_loaded(void);
/* After megabytes were freed: malloc keeps them for the next one. And the pages of the code that used them. Takes
 * milliseconds. */
void orl_heap_trim(void);

#endif
