// Put in by build.mjs.
declare const LICENCES_URL: string;
declare const WORKLET_URL: string;
declare const SITE_WORKER_URL: string;
// Not in TypeScript's DOM yet.
interface Navigator { keyboard?: {lock(keys?: string[]): Promise<void>; unlock(): void; getLayoutMap?(): Promise<Map<string, string>>}; }
declare module '@novnc/novnc' { const RFB: any; export default RFB; }
