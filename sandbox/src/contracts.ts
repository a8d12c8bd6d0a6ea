/** Every provider that is simulated, one line each. */
export { apollo } from './apollo';
export { dropcontact } from './dropcontact';
export { findymail } from './findymail';
export { hunter } from './hunter';
export { leadmagic } from './leadmagic';
export { lusha } from './lusha';
export { peopledatalabs } from './peopledatalabs';
export { prospeo } from './prospeo';
